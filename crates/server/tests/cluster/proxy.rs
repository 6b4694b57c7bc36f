//! A load balancer without memory: each connection goes to the next node that accepts one.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    nodes: Arc<Mutex<Vec<SocketAddr>>>,
    serving: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(nodes: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let nodes = Arc::new(Mutex::new(nodes));
        let serving = tokio::spawn(serve(listener, nodes.clone()));
        Self {
            address,
            nodes,
            serving,
        }
    }

    /// Sends new connections to these nodes.
    pub(crate) fn route(&self, nodes: Vec<SocketAddr>) {
        *self.nodes.lock().unwrap() = nodes;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, nodes: Arc<Mutex<Vec<SocketAddr>>>) {
    let turn = AtomicUsize::new(0);
    while let Ok((mut stream, _)) = listener.accept().await {
        let nodes = nodes.lock().unwrap().clone();
        let first = turn.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            for i in 0..nodes.len() {
                let node = nodes[(first + i) % nodes.len()];
                if let Ok(mut upstream) = TcpStream::connect(node).await {
                    let _ = stream.set_nodelay(true);
                    let _ = upstream.set_nodelay(true);
                    // Either side may end it.
                    let _ = copy_bidirectional(&mut stream, &mut upstream).await;
                    return;
                }
            }
        });
    }
}
