//! `cargo xtask demo`: everything from a bare checkout to a page in the browser.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::build::{self, Flavour};
use crate::cli::DemoArgs;
use crate::server::Server;
use crate::setup::{self, Scope};
use crate::tools::Repo;

/// Sets up, builds, and serves the demo until Ctrl-C.
pub(crate) fn run(repo: &Repo, args: &DemoArgs) -> Result<()> {
    setup::run(repo, Scope::Build)?;
    build::run(repo, Flavour::Release)?;
    repo.cmd("cargo")
        .args(["build", "--release", "-p", "throughline-server"])
        .run_aside()?;
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
        .spawn()?;
    let server = Server::listening(child, 0)
        .with_context(|| format!("is port {} taken? try --port", args.port))?;
    let pid = server.id();
    // Ctrl-C in a terminal reaches the server too; a signal sent to this process alone is passed on.
    ctrlc::set_handler(move || interrupt(pid))?;

    println!(
        "\n  Throughline demo:  {}/\n  Ctrl-C stops it.\n",
        server.url
    );
    if args.open {
        open(repo, &server.url);
    }
    let status = server.wait()?;
    ensure!(
        status.success() || status.code().is_none(),
        "the server ended: {status}"
    );
    Ok(())
}

fn interrupt(pid: u32) {
    // It fails when the server has ended already, and then there is nothing to stop.
    let _ = Command::new("kill")
        .args(["-INT", &pid.to_string()])
        .status();
}

fn open(repo: &Repo, url: &str) {
    let opener = ["xdg-open", "open"]
        .into_iter()
        .find(|program| repo.find(program).is_some());
    let opened = opener.is_some_and(|program| repo.cmd(program).arg(url).output().is_ok());
    if !opened {
        eprintln!("no browser could be opened; go to {url}/ yourself");
    }
}
