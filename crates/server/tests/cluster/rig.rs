//! Nodes, and waiting.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::proxy::Proxy;
use crate::redis::Redis;

/// What a test waits for at most.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A node: the program itself.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Node {
    pub(crate) async fn start(redis: &Redis) -> Self {
        Self::with(&[], Some(redis)).await
    }

    /// Starts one with further arguments, on a store or by itself.
    pub(crate) async fn with(arguments: &[&str], redis: Option<&Redis>) -> Self {
        let mut child = Command::new(program())
            .args([
                "--listen",
                "127.0.0.1:0",
                "--test-routes",
                "--script-delay-scale",
                "0",
            ])
            .args(["--heartbeat", "1000", "--max-replay", "8388608"])
            .args(arguments)
            .envs(redis.map(|redis| ("THROUGHLINE_STORE", redis.url())))
            .env("THROUGHLINE_TOKEN_SECRET", "of the cluster")
            .env(
                "RUST_LOG",
                std::env::var("NODE_LOG").unwrap_or("off".into()),
            )
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap();
        let line = line.unwrap().unwrap();
        let address = line.rsplit_once("http://").unwrap().1.parse().unwrap();
        Self { address, child }
    }

    /// Ends it as a crash does.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// The server's program; an example has it beside its own folder.
fn program() -> PathBuf {
    match option_env!("CARGO_BIN_EXE_throughline-server") {
        Some(path) => path.into(),
        None => {
            let example = std::env::current_exe().unwrap();
            let folder = example.parent().and_then(Path::parent).unwrap();
            folder.join("throughline-server")
        }
    }
}

/// Two nodes on one Redis, behind a proxy.
pub(crate) struct Cluster {
    pub(crate) proxy: Proxy,
    pub(crate) a: Node,
    pub(crate) b: Node,
    pub(crate) redis: Redis,
}

impl Cluster {
    pub(crate) async fn start() -> Option<Self> {
        Self::with(&[]).await
    }

    /// Starts nodes with further arguments.
    pub(crate) async fn with(arguments: &[&str]) -> Option<Self> {
        let redis = Redis::start().await?;
        let a = Node::with(arguments, Some(&redis)).await;
        let b = Node::with(arguments, Some(&redis)).await;
        let proxy = Proxy::start(vec![a.address, b.address]).await;
        Some(Self { proxy, a, b, redis })
    }
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !condition().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

pub(crate) fn random() -> u128 {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    u128::from_ne_bytes(bytes)
}
