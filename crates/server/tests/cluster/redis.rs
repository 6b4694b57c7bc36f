//! A Redis of the test's own.

use std::net::TcpListener as StdListener;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::rig::{random, until};

/// Keeps nothing on disk: a restart loses all.
pub(crate) struct Redis {
    port: u16,
    dir: PathBuf,
    child: Option<Child>,
}

impl Redis {
    /// Starts one. `None`, loudly, where the program is not installed.
    pub(crate) async fn start() -> Option<Self> {
        let found = Command::new("redis-server")
            .arg("--version")
            .stdout(Stdio::null())
            .status();
        if found.await.is_err() {
            eprintln!(
                "\n*** SKIPPED: redis-server is not installed (apt-get install redis-server) ***\n"
            );
            return None;
        }
        let port = StdListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let dir = std::env::temp_dir().join(format!("throughline-redis-{:016x}", random() as u64));
        std::fs::create_dir(&dir).unwrap();
        let mut redis = Self {
            port,
            dir,
            child: None,
        };
        redis.up().await;
        Some(redis)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Starts the program, on the port that it had.
    pub(crate) async fn up(&mut self) {
        let port = self.port.to_string();
        let child = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(&self.dir)
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        self.child = Some(child.unwrap());
        until("Redis answers", async || {
            self.ask("PING")
                .await
                .is_some_and(|pong| pong.starts_with("+PONG"))
        })
        .await;
    }

    /// Ends the program at once.
    pub(crate) async fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.unwrap();
        }
    }

    /// Sends the program a signal: `STOP` makes it stand still until `CONT`.
    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().unwrap().to_string();
        let kill = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(kill.await.unwrap().success());
    }

    /// Asks for one small thing, by an inline command.
    pub(crate) async fn ask(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        stream
            .write_all(format!("{command}\r\n").as_bytes())
            .await
            .ok()?;
        let mut answer = vec![0; 64 << 10];
        let count = stream.read(&mut answer).await.ok()?;
        answer.truncate(count);
        String::from_utf8(answer).ok()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // The child is killed by its own drop; its folder is empty.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
