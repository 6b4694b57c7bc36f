//! `cargo xtask measure`: JSON lines on stdout, everything else on stderr.

use std::io::{BufRead, BufReader};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::build::{self, Flavour};
use crate::cli::{Measure, MeasureArgs};
use crate::setup::{self, Scope};
use crate::test;
use crate::tools::{Cmd, Repo};

/// Folder of the libraries that we are compared with.
const PEERS: &str = "benches";

/// Takes one measurement; fails when one of its lines says `"ok":false`, or when there is no line at all.
pub(crate) fn run(repo: &Repo, args: &MeasureArgs) -> Result<()> {
    match args.name {
        Measure::Size => {
            setup::run(repo, Scope::Build)?;
            let report = build::release(repo)?;
            for line in report.json_lines() {
                println!("{line}");
            }
            setup::packages(repo, PEERS)?;
            pass_through(repo.cmd("node").arg("benches/size.mjs").args(&args.args))?;
            report.check()
        }
        Measure::Storm => pass_through(example(repo, "storm", &args.args)),
        Measure::Worlds => pass_through(example(repo, "worlds", &args.args)),
        Measure::Fallback => in_browsers(repo, "benches/fallback.mjs", &args.args),
        Measure::Tax => in_browsers(repo, "benches/tax.mjs", &args.args),
        Measure::Flood => in_browsers(repo, "benches/flood.mjs", &args.args),
        Measure::Reconnects => in_browsers(repo, "benches/reconnects.mjs", &args.args),
        Measure::RtcOpen => in_browsers(repo, "benches/rtc-open.mjs", &args.args),
        Measure::Ladder => in_browsers(repo, "benches/ladder.mjs", &args.args),
        Measure::Audio => in_browsers(repo, "benches/audio.mjs", &args.args),
        Measure::Serverless => in_browsers(repo, "benches/serverless.mjs", &args.args),
        Measure::Leaks => in_browsers(repo, "benches/leaks.mjs", &args.args),
        Measure::Csp => in_browsers(repo, "benches/csp.mjs", &args.args),
        Measure::Systems => in_browsers(repo, "benches/systems.mjs", &args.args),
        Measure::Packaging => in_browsers(repo, "benches/packaging.mjs", &args.args),
        Measure::Startup => {
            setup::packages(repo, PEERS)?;
            in_browsers(repo, "benches/startup.mjs", &args.args)
        }
        Measure::Switches => {
            setup::packages(repo, PEERS)?;
            in_browsers(repo, "benches/switches.mjs", &args.args)
        }
        Measure::Nchan => {
            setup::packages(repo, PEERS)?;
            in_browsers(repo, "benches/nchan.mjs", &args.args)
        }
        Measure::Memory => pass_through(server_example(repo, "memory", &args.args)),
        Measure::Cluster => {
            build_server(repo)?;
            pass_through(server_example(repo, "cluster", &args.args))
        }
    }
}

/// Runs a measuring program of the core.
fn example(repo: &Repo, name: &str, args: &[String]) -> Cmd {
    repo.cmd("cargo")
        .args(["run", "--release", "-p", "throughline-core"])
        .args(["--features", "server", "--example", name, "--"])
        .args(args)
}

/// Runs a measuring program of the server.
fn server_example(repo: &Repo, name: &str, args: &[String]) -> Cmd {
    repo.cmd("cargo")
        .args(["run", "--release", "-p", "throughline-server"])
        .args(["--example", name, "--"])
        .args(args)
}

fn in_browsers(repo: &Repo, script: &str, args: &[String]) -> Result<()> {
    let script = repo.existing(script)?;
    setup::run(repo, Scope::Browsers)?;
    build::run(repo, Flavour::Release)?;
    build_server(repo)?;
    let server = repo.target()?.join("release/throughline-server");
    let node = test::under_display(repo)?
        .arg("node")
        .arg(script)
        .args(args)
        .envs(test::driver_envs(repo)?)
        .env("THROUGHLINE_SERVER_BIN", server);
    pass_through(node)
}

/// Builds the server, the fault proxy, and what they are measured against.
fn build_server(repo: &Repo) -> Result<()> {
    repo.cmd("cargo")
        .args(["build", "--release", "-p", "throughline-server"])
        .args(["--bins", "--example", "bare"])
        .run_aside()
}

/// Prints the program's lines as they come, and holds each JSON line to its own verdict.
fn pass_through(cmd: Cmd) -> Result<()> {
    let mut child = cmd.spawn()?;
    let stdout = child.stdout.take().context("the output is not piped")?;
    let (mut measured, mut missed) = (0, 0);
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        println!("{line}");
        if let Ok(Value::Object(figure)) = serde_json::from_str(&line) {
            measured += 1;
            missed += usize::from(figure.get("ok") == Some(&Value::Bool(false)));
        }
    }
    let status = child.wait()?;
    ensure!(status.success(), "the measurement failed: {status}");
    ensure!(measured > 0, "the measurement printed no JSON line");
    ensure!(
        missed == 0,
        "{missed} of {measured} figures miss their limit"
    );
    Ok(())
}
