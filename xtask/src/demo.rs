//! `cargo xtask demo`: everything from a bare checkout to a page in the browser.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::build::{self, Flavour};
use crate::cli::{DemoArgs, System};
use crate::server::{PROGRAM, Server};
use crate::setup::{self, Scope};
use crate::tools::Repo;

/// Sets up, builds, and serves the demo, with the servers of other apps beside it, until Ctrl-C.
pub(crate) fn run(repo: &Repo, args: &DemoArgs) -> Result<()> {
    setup::run(repo, Scope::Build)?;
    build::run(repo, Flavour::Release)?;
    repo.cmd("cargo")
        .args(["build", "--release", "-p", "throughline-server"])
        .run_aside()?;
    // They end with this function, however it does.
    let systems = args
        .systems
        .iter()
        .map(|system| Ok((*system, start(repo, *system, args)?)))
        .collect::<Result<BTreeMap<_, _>>>()?;
    let behind = systems.iter().flat_map(|(system, server)| {
        let address = server.url.trim_start_matches("http://");
        ["--system".to_owned(), format!("{}={address}", system.key())]
    });
    let child = repo
        .cmd(repo.target()?.join("release/throughline-server"))
        .arg("--listen")
        .arg(format!("127.0.0.1:{}", args.port))
        .args([
            "--www",
            "www",
            "--pkg",
            "pkg",
            "--demo",
            "--faults",
            "127.0.0.1:0",
        ])
        .args(behind)
        .args(systems.contains_key(&System::D).then_some("--openai"))
        .spawn()?;
    let server = Server::listening(child, PROGRAM, 0)
        .with_context(|| format!("is port {} taken? try --port", args.port))?;
    let pid = server.id();
    // Ctrl-C in a terminal reaches the server too; a signal sent to this process alone is passed on.
    ctrlc::set_handler(move || interrupt(pid))?;

    let first = args.systems.first();
    let page = first.map_or_else(String::new, |system| format!("?system={}", system.key()));
    let page = format!("{}/{page}", server.url);
    println!("\n  Throughline demo:  {page}\n  Ctrl-C stops it.\n");
    if args.open {
        open(repo, &page);
    }
    let status = server.wait()?;
    ensure!(
        status.success() || status.code().is_none(),
        "the server ended: {status}"
    );
    Ok(())
}

/// Starts another app's server on a free port.
fn start(repo: &Repo, system: System, args: &DemoArgs) -> Result<Server> {
    let key = system.key();
    let child = repo
        .cmd("node")
        .arg(format!("www/servers/{key}.mjs"))
        .args(["--port", "0"])
        .args(upstream(system, args.port))
        .args(&args.args)
        .spawn()?;
    Server::listening(child, &format!("system-{key}"), 0)
}

/// Our own server stands in for what answers D's offers.
fn upstream(system: System, port: u16) -> Vec<String> {
    match system {
        System::D => vec![
            "--upstream".to_owned(),
            format!("http://127.0.0.1:{port}/openai/v1"),
        ],
        System::A | System::B | System::C | System::E => Vec::new(),
    }
}

/// Tells a process to end as Ctrl-C does.
pub(crate) fn interrupt(pid: u32) {
    // It fails when the server has ended already, and then there is nothing to stop.
    let _ = Command::new("kill")
        .args(["-INT", &pid.to_string()])
        .status();
}

/// Opens an address in the default browser, or says that there is none.
pub(crate) fn open(repo: &Repo, url: &str) {
    let opener = ["xdg-open", "open"]
        .into_iter()
        .find(|program| repo.find(program).is_some());
    let opened = opener.is_some_and(|program| repo.cmd(program).arg(url).output().is_ok());
    if !opened {
        eprintln!("no browser could be opened; go to {url} yourself");
    }
}
