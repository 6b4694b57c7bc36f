//! The fault proxy as a program: `fault-proxy --upstream 127.0.0.1:8787`.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};
use serde_json::json;
use throughline_server::fault::{Fault, FaultProxy, ProxyConfig};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// Stands in front of a server and breaks WebSockets, SSE, polls and POSTs the way networks do.
#[derive(Debug, Parser)]
#[command(name = "fault-proxy", version)]
struct Arguments {
    /// Address to listen on; port 0 takes any.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8788")]
    listen: SocketAddr,
    /// Server behind the proxy.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8787")]
    upstream: String,
    /// Address of the control API; port 0 takes any.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8789")]
    control: SocketAddr,
    /// Prefix of the paths where a plain GET is a poll; may be repeated.
    #[arg(long = "path", value_name = "PREFIX", default_value = "/realtime")]
    paths: Vec<String>,
    /// Fault in force from the start, as JSON or as a bare name; may be repeated.
    #[arg(long = "fault", value_name = "JSON", value_parser = fault)]
    faults: Vec<Fault>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let matches = Arguments::command().after_help(help()).get_matches();
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .with_writer(io::stderr)
        .init();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("fault-proxy: {reason}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let Arguments {
        listen,
        upstream,
        control,
        paths,
        faults,
    } = arguments;
    let config = ProxyConfig {
        listen,
        upstream: upstream.clone(),
        paths,
    };
    let proxy = FaultProxy::start(config)
        .await
        .map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    let listener = TcpListener::bind(control)
        .await
        .map_err(|error| format!("cannot listen on {control} for control: {error}"))?;
    let control = listener
        .local_addr()
        .map_err(|error| format!("cannot tell the control address: {error}"))?;
    proxy.faults().set(faults);
    println!(
        "fault-proxy: http://{} -> {upstream}, control http://{control}/faults",
        proxy.addr()
    );
    let serving = axum::serve(listener, proxy.faults().router());
    tokio::select! {
        served = serving => served.map_err(|error| format!("the control API failed: {error}")),
        stopped = tokio::signal::ctrl_c() => {
            stopped.map_err(|error| format!("cannot wait for the signal to stop: {error}"))
        }
    }
}

fn fault(text: &str) -> Result<Fault, String> {
    let fault = if text.trim_start().starts_with('{') {
        serde_json::from_str(text)
    } else {
        serde_json::from_value(json!({ "kind": text }))
    };
    fault.map_err(|error| error.to_string())
}

fn help() -> String {
    let faults: String = Fault::HELP
        .iter()
        .map(|(name, effect)| format!("  {name:<10} {effect}\n"))
        .collect();
    format!(
        "Faults ({{\"kind\":…}}; \"on\":[\"websocket\",\"sse\",\"poll\",\"post\"] selects classes, \
         \"live\":true cuts existing ones):\n{faults}\n\
         Control: GET, PUT {{\"rules\":[…]}}, POST (adds) and DELETE /faults; POST /faults/cut \
         {{\"on\":[…]}};\nGET /connections; GET and DELETE /log. RUST_LOG=debug logs more."
    )
}
