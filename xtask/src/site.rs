//! `cargo xtask docs`: what is written and the reference drawn from the types, as pages on 127.0.0.1.

use anyhow::{Context, Result, ensure};

use crate::cli::DocsArgs;
use crate::demo;
use crate::server::Server;
use crate::setup;
use crate::tools::Repo;

/// Folder of what makes the pages, with packages of its own.
const MAKER: &str = "docs/site";

/// Installs what makes the pages and checks what they show, the frameworks that the types name among it.
pub(crate) fn install(repo: &Repo) -> Result<()> {
    setup::packages(repo, ".")?;
    setup::packages(repo, MAKER)
}

/// Makes the pages and serves them until Ctrl-C; or makes them only, to see that nothing is amiss.
pub(crate) fn run(repo: &Repo, args: &DocsArgs) -> Result<()> {
    install(repo)?;
    let folder = repo.target()?.join("docs");
    repo.cmd("node")
        .arg(format!("{MAKER}/make.mjs"))
        .arg(&folder)
        .args(args.check.then_some("--check"))
        .run_aside()
        .context("the documentation is amiss")?;
    if args.check {
        println!("the documentation's pages are made, and nothing is amiss");
        return Ok(());
    }
    let child = repo
        .cmd("node")
        .arg(format!("{MAKER}/serve.mjs"))
        .arg(&folder)
        .arg(args.port.to_string())
        .spawn()?;
    let server = Server::listening(child, "documentation", 0)
        .with_context(|| format!("is port {} taken? try --port", args.port))?;
    let pid = server.id();
    ctrlc::set_handler(move || demo::interrupt(pid))?;
    let page = format!("{}/", server.url);
    println!("\n  Throughline's documentation:  {page}\n  Ctrl-C stops it.\n");
    if args.open {
        demo::open(repo, &page);
    }
    let status = server.wait()?;
    ensure!(
        status.success() || status.code().is_none(),
        "the server ended: {status}"
    );
    Ok(())
}
