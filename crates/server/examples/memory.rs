//! What sessions take in memory, and whether the ceiling holds: one JSON object a line.
//!
//! ```text
//! cargo run --release -p throughline-server --example memory
//! ```
//!
//! The server runs in a process of its own, which this one fills: `memory.idle-session` is what its
//! resident memory grew by for each of 8,000 sessions on a WebSocket that say nothing, and
//! `memory.ceiling` what it grew by in a storm of messages to sessions that read nothing, five times
//! as much as a ceiling of 64 MiB lets it keep.

use std::error::Error;
use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Client;
use serde_json::{Value, json};
use throughline_server::{Profile, Server, ServerConfig};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Failure = Box<dyn Error + Send + Sync>;
type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Each takes a file descriptor on either side.
const IDLE: usize = 8_000;
const IDLE_LIMIT: u64 = 24_000;

const CEILING: usize = 64 << 20;
const READERS: usize = 400;
const ROUNDS: usize = 200;
const MESSAGE: usize = 4_000;

/// What the process may take beside what the ceiling counts: sockets, buffers, and what the
/// allocator does not give back.
const SLACK: u64 = 64 << 20;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    match std::env::args().nth(1).as_deref() {
        Some("serve") => serve().await,
        Some(other) => Err(format!("what is {other}?").into()),
        None => {
            let idle = idle().await?;
            let held = storm().await?;
            if idle && held {
                Ok(())
            } else {
                Err("over the limit".into())
            }
        }
    }
}

/// Runs a server until its standard input ends.
async fn serve() -> Result<(), Failure> {
    let mut config = ServerConfig {
        profile: Profile::Tests,
        ..ServerConfig::default()
    };
    config.sessions.memory = CEILING;
    let server = Server::start(config).await?;
    println!("{}", server.addr());
    let ended = tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink()));
    ended.await??;
    Ok(())
}

async fn idle() -> Result<bool, Failure> {
    let server = Host::start()?;
    let mut sockets = vec![server.session(0).await?];
    let before = server.resident()?;
    for i in 1..=IDLE {
        sockets.push(server.session(i).await?);
    }
    let each = server.resident()?.saturating_sub(before) / IDLE as u64;
    let ok = each <= IDLE_LIMIT;
    let line = json!({
        "name": "memory.idle-session", "value": each, "unit": "B", "limit": IDLE_LIMIT, "ok": ok,
        "sessions": IDLE, "kept": server.kept().await?,
    });
    println!("{line}");
    drop(sockets);
    Ok(ok)
}

/// Sessions that are answered and read nothing.
async fn storm() -> Result<bool, Failure> {
    let server = Host::start()?;
    let mut sockets = Vec::new();
    for i in 0..READERS {
        sockets.push(Some(server.session(i).await?));
    }
    let before = server.resident()?;
    let pad = "x".repeat(MESSAGE);
    let (mut peak, mut kept, mut sent) = (before, 0, 0);
    for n in 1..=ROUNDS {
        for socket in &mut sockets {
            let message = Message::text(json!([[n, "ECHO", pad]]).to_string());
            let Some(open) = socket else {
                continue;
            };
            // Who reads too little is closed at some time.
            match open.send(message).await {
                Ok(()) => sent += MESSAGE,
                Err(_) => *socket = None,
            }
        }
        peak = peak.max(server.resident()?);
        kept = kept.max(server.kept().await?);
    }
    let grown = peak.saturating_sub(before);
    let ok = grown <= CEILING as u64 + SLACK && kept <= CEILING as u64;
    let line = json!({
        "name": "memory.ceiling", "value": grown, "unit": "B", "limit": CEILING as u64 + SLACK,
        "ok": ok, "ceiling": CEILING, "kept": kept, "owed": sent,
    });
    println!("{line}");
    drop(sockets);
    Ok(ok)
}

/// A server in a process of its own.
struct Host {
    process: Child,
    address: String,
    http: Client,
}

impl Host {
    fn start() -> Result<Self, Failure> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = process.stdout.take().ok_or("no standard output")?;
        let mut address = String::new();
        BufReader::new(out).read_line(&mut address)?;
        Ok(Self {
            process,
            address: address.trim().to_owned(),
            http: Client::new(),
        })
    }

    /// Takes a session, and reads nothing after `ready`.
    async fn session(&self, number: usize) -> Result<Socket, Failure> {
        let (mut socket, _) = connect_async(format!("ws://{}/realtime", self.address)).await?;
        let connect = format!("{number:032x}");
        let hello = json!({ "version": 1, "connect": connect, "instance": connect, "received": 0 });
        let hello = json!([["hello", hello]]).to_string();
        socket.send(Message::text(hello)).await?;
        let ready = tokio::time::timeout(Duration::from_secs(10), socket.next()).await?;
        ready.ok_or("the server closed the link")??;
        let take = json!([["take", 1, 0]]).to_string();
        socket.send(Message::text(take)).await?;
        Ok(socket)
    }

    /// What the server counts as kept.
    async fn kept(&self) -> Result<u64, Failure> {
        let url = format!("http://{}/api/health", self.address);
        let health: Value = self.http.get(url).send().await?.json().await?;
        health["keptBytes"].as_u64().ok_or("no count".into())
    }

    /// Its resident memory, in bytes.
    fn resident(&self) -> Result<u64, Failure> {
        let path = format!("/proc/{}/statm", self.process.id());
        let statm = std::fs::read_to_string(path)?;
        let pages = statm.split(' ').nth(1).ok_or("no resident pages")?;
        Ok(pages.parse::<u64>()? * 4_096)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.process.stdin.take());
        if let Err(error) = self.process.wait() {
            eprintln!("{error}");
        }
    }
}
