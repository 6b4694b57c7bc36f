//! `throughline-server`: the reference server as a program.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser};
use throughline_core::codec::Secret;
use throughline_core::server::{Rate, SessionsConfig};
use throughline_server::hub::HubLimits;
use throughline_server::openai::{BadScript, Names, OpenAiConfig, Script};
use throughline_server::store::StoreConfig;
use throughline_server::turn::TurnConfig;
use throughline_server::webrtc::{RtcConfig, Udp};
use throughline_server::{Profile, Server, ServerConfig, StartError};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Serves realtime sessions over WebSocket, server-sent events and long polling.
///
/// Sessions of the reliable protocol (PROTOCOL.md) are at /realtime, plain JSON is at /json. SIGTERM
/// or SIGINT asks every client to move, waits for them and ends; a second one ends at once. Logs go
/// to standard error, by RUST_LOG (info if unset).
#[derive(Debug, Parser)]
#[command(name = "throughline-server", version)]
struct Arguments {
    /// Address to listen on; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// Folder of pages, served at /.
    #[arg(long, value_name = "DIR")]
    www: Option<PathBuf>,
    /// Folder of the package, served at /pkg/.
    #[arg(long, value_name = "DIR")]
    pkg: Option<PathBuf>,
    /// Runs the demo: a console feed that speaks by itself, and all of --test-routes.
    #[arg(long)]
    demo: bool,
    /// Adds POST /api/token and /api/debug/emit-comment, FLOOD messages, tokens of the form dev-NAME,
    /// and pages of this machine from any port.
    #[arg(long)]
    test_routes: bool,
    /// Starts a fault proxy in front of this server on ADDRESS, with its control API under /faults
    /// of this server.
    #[arg(long, value_name = "ADDRESS")]
    faults: Option<SocketAddr>,
    /// Another app's server, such as e=127.0.0.1:3005, for the demo's page at ?system=e: behind a fault
    /// proxy of its own, with its control API under /systems/e of this server; may be repeated.
    #[arg(long = "system", value_name = "NAME=HOST:PORT", value_parser = system)]
    systems: Vec<(String, String)>,
    /// Origin whose pages may connect, such as https://app.example, beside the server's own; may be
    /// repeated.
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
    /// Admits nobody without a token.
    #[arg(long)]
    require_token: bool,
    /// Secret that signs tokens; better given in the environment, which others cannot list. A random
    /// one is made if there is none.
    #[arg(
        long,
        value_name = "SECRET",
        env = "THROUGHLINE_TOKEN_SECRET",
        hide_env_values = true
    )]
    token_secret: Option<String>,
    /// Factor for every delay of the scripted interviewer; 0 makes it answer at once.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = factor)]
    script_delay_scale: f64,
    /// Milliseconds between heartbeats on an idle link.
    #[arg(long, value_name = "MS", default_value_t = 15_000, value_parser = clap::value_parser!(u32).range(100..))]
    heartbeat: u32,
    /// Milliseconds that a session without a link is kept.
    #[arg(long, value_name = "MS", default_value_t = 120_000)]
    window: u32,
    /// Largest unit in bytes; a larger one closes its link with 4413.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20, value_parser = clap::value_parser!(u32).range(1_024..))]
    max_unit: u32,
    /// Bytes of messages kept for replay, per session.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    max_replay: usize,
    /// Bytes kept over all sessions and topics. Beyond that sessions without a link are ended, then
    /// topics forget their oldest events, then the oldest messages go where most are owed.
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 20)]
    memory: usize,
    /// Bytes that may wait for one link; more close it with 4429.
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 20)]
    max_buffered: usize,
    /// Most sessions at a time; further ones are closed with 4503.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    max_sessions: usize,
    /// Messages per second that one session may send, with a burst of twice as many; more close its
    /// link with 4429.
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..))]
    max_rate: u32,
    /// Redis where sessions and topics live, such as redis://127.0.0.1:6379/0: all nodes with the same
    /// one are one server, and need the same --token-secret. Better given in the environment if it has
    /// a password. Without it, sessions live in this process.
    #[arg(
        long,
        value_name = "URL",
        env = "THROUGHLINE_STORE",
        hide_env_values = true
    )]
    store: Option<String>,
    /// What every key in the store begins with.
    #[arg(long, value_name = "PREFIX", default_value = "throughline:")]
    store_prefix: String,
    /// Where WebRTC peers send their datagrams: an address, or `off`. By default any port on the
    /// address of --listen.
    #[arg(long, value_name = "ADDRESS", value_parser = udp)]
    udp: Option<Udp>,
    /// The address that WebRTC peers are told, where it is not the one listened on: behind a NAT.
    #[arg(long, value_name = "IP")]
    udp_announce: Option<IpAddr>,
    /// Most WebRTC peers at a time; further ones are answered 503.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    max_peers: usize,
    /// Most WebRTC peers of one remote address, which a proxy or a NAT may share; further ones are
    /// answered 429.
    #[arg(long, value_name = "N", default_value_t = 256)]
    max_peers_per_address: usize,
    /// TURN server that pages are told of, such as turn:turn.example:3478; may be repeated, for the
    /// same server over TCP, say.
    #[arg(long = "turn", value_name = "URL", requires = "turn_secret")]
    turns: Vec<String>,
    /// The TURN server's `static-auth-secret`; better given in the environment.
    #[arg(
        long,
        value_name = "SECRET",
        env = "THROUGHLINE_TURN_SECRET",
        hide_env_values = true
    )]
    turn_secret: Option<String>,
    #[command(flatten)]
    openai: OpenAi,
}

/// A scripted peer in the shapes of OpenAI's Realtime API.
#[derive(Debug, Args)]
struct OpenAi {
    /// Adds a peer in the shapes of OpenAI's Realtime API under /openai/v1/realtime, over WebRTC and
    /// WebSocket, for tests without a key. It hears who speaks but not what is said: what it writes
    /// down of the user is scripted, and so are its answers. Any API key is good.
    #[arg(long)]
    openai: bool,
    /// Its names of events and shape of settings: those of today, or those before.
    #[arg(long, value_name = "NAMES", default_value = "ga", requires = "openai")]
    openai_names: Names,
    /// Seconds that a session of it lasts at most.
    #[arg(long, value_name = "S", default_value_t = 3_600, requires = "openai", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    openai_session: u32,
    /// Seconds that a client secret is good for where its maker does not say.
    #[arg(long, value_name = "S", default_value_t = 600, requires = "openai", value_parser = clap::value_parser!(u32).range(..=7_200))]
    openai_key_life: u32,
    /// Plays the events of this file to every session, as they stand, in place of a conversation: a
    /// list of {at, event} under `ga` or `older`, like www/servers/d-events.json.
    #[arg(long, value_name = "FILE", requires = "openai")]
    openai_script: Option<PathBuf>,
    /// Factor for its pace; of a recorded question only as much is said as fits the time.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, requires = "openai", value_parser = pace)]
    openai_speed: f64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // At `trace` they write whole messages, and with them the tokens of `hello` and `auth`.
    let quiet = [
        "tungstenite=debug",
        "str0m=warn",
        "sctp_proto=warn",
        "dimpl=warn",
    ];
    let filter = quiet.iter().fold(filter, |filter, quiet| {
        filter.add_directive(quiet.parse().expect("a directive"))
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
    match run(arguments).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("throughline-server: {error}");
            match error {
                Failure::Start(StartError::Listen { .. }) => ExitCode::from(2),
                Failure::Start(_) | Failure::Folder(_) | Failure::Script(_) | Failure::Io(_) => {
                    ExitCode::FAILURE
                }
            }
        }
    }
}

/// Why the program ended before its time.
#[derive(Debug)]
enum Failure {
    Start(StartError),
    Folder(PathBuf),
    Script(BadScript),
    Io(io::Error),
}

async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    for folder in arguments.www.iter().chain(&arguments.pkg) {
        if !folder.is_dir() {
            return Err(Failure::Folder(folder.clone()));
        }
    }
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::Io)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::Io)?;
    let openai = openai(&arguments.openai).map_err(Failure::Script)?;
    let server = Server::start(config(arguments, openai))
        .await
        .map_err(Failure::Start)?;
    announce(&server).map_err(Failure::Io)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::select! {
        () = server.drain() => Ok(ExitCode::SUCCESS),
        _ = terminate.recv() => Ok(ExitCode::FAILURE),
        _ = interrupt.recv() => Ok(ExitCode::FAILURE),
    }
}

fn openai(arguments: &OpenAi) -> Result<Option<OpenAiConfig>, BadScript> {
    if !arguments.openai {
        return Ok(None);
    }
    let script = arguments.openai_script.as_deref();
    let script = script.map(|path| Script::read(path, arguments.openai_names));
    Ok(Some(OpenAiConfig {
        names: arguments.openai_names,
        key_life: Duration::from_secs(arguments.openai_key_life.into()),
        session: Duration::from_secs(arguments.openai_session.into()),
        script: script.transpose()?,
        speed: arguments.openai_speed,
    }))
}

fn config(arguments: Arguments, openai: Option<OpenAiConfig>) -> ServerConfig {
    let profile = match (arguments.demo, arguments.test_routes) {
        (true, _) => Profile::Demo,
        (false, true) => Profile::Tests,
        (false, false) => Profile::Plain,
    };
    let defaults = ServerConfig::default();
    ServerConfig {
        listen: arguments.listen,
        faults: arguments.faults,
        systems: arguments.systems.into_iter().collect(),
        www: arguments.www,
        pkg: arguments.pkg,
        profile,
        origins: arguments.origins,
        token_secret: arguments.token_secret.map(Secret::new),
        tokens_required: arguments.require_token,
        delay_scale: arguments.script_delay_scale,
        sessions: SessionsConfig {
            heartbeat: arguments.heartbeat,
            window: arguments.window,
            unit: arguments.max_unit,
            replay_bytes: arguments.max_replay,
            memory: arguments.memory,
            max_sessions: arguments.max_sessions,
            rate: Rate {
                per_second: arguments.max_rate,
                burst: arguments.max_rate.saturating_mul(2),
            },
            ..defaults.sessions
        },
        limits: HubLimits {
            buffered_bytes: arguments.max_buffered,
            max_guests: arguments.max_sessions,
            ..defaults.limits
        },
        store: arguments
            .store
            .map(|address| StoreConfig::new(address, arguments.store_prefix)),
        rtc: RtcConfig {
            udp: arguments.udp.unwrap_or(Udp::Beside),
            announce: arguments.udp_announce,
            max_peers: arguments.max_peers,
            max_peers_per_address: arguments.max_peers_per_address,
            ..defaults.rtc
        },
        turn: match (arguments.turns, arguments.turn_secret) {
            (urls, Some(secret)) if !urls.is_empty() => Some(TurnConfig {
                urls,
                secret: Secret::new(secret),
            }),
            _ => None,
        },
        openai,
    }
}

/// Prints the lines by which scripts find the server.
fn announce(server: &Server) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "throughline-server listening on http://{}",
        server.addr()
    )?;
    if let Some(proxy) = server.proxy() {
        writeln!(out, "throughline-server faults on http://{}", proxy.addr())?;
    }
    out.flush()
}

fn system(text: &str) -> Result<(String, String), String> {
    let (name, upstream) = text
        .split_once('=')
        .ok_or("not of the form NAME=HOST:PORT")?;
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Err("a name is of small letters".to_owned());
    }
    Ok((name.to_owned(), upstream.to_owned()))
}

fn udp(text: &str) -> Result<Udp, String> {
    match text {
        "off" => Ok(Udp::Off),
        address => match address.parse() {
            Ok(address) => Ok(Udp::At(address)),
            Err(_) => Err("neither an address with a port nor `off`".to_owned()),
        },
    }
}

fn factor(text: &str) -> Result<f64, String> {
    let factor: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=100.0).contains(&factor) {
        Ok(factor)
    } else {
        Err("not from 0 to 100".to_owned())
    }
}

fn pace(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(pace) if (0.1..=100.0).contains(&pace) => Ok(pace),
        Ok(_) | Err(_) => Err("not a number from 0.1 to 100".to_owned()),
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start(error) => error.fmt(f),
            Self::Folder(folder) => write!(f, "{} is not a folder", folder.display()),
            Self::Script(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}
