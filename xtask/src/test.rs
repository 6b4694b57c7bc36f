//! `cargo xtask test`: what CI runs, as named steps.

use std::cell::OnceCell;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Result, bail, ensure};

use crate::build::{self, Flavour};
use crate::cli::{DocsArgs, TestArgs};
use crate::server::Server;
use crate::setup::{self, Scope};
use crate::tools::{Cmd, Repo, files, timed};
use crate::{arrows, audit, clauses, docs, pack, site, systems};

/// Seconds one browser has for the whole wasm suite.
const WASM_SUITE_SECONDS: &str = "300";

/// Suites that wait for spans to pass, most of their time: they run beside the others.
const PATIENT: [&str; 2] = ["reauth.test.mjs", "sleep.test.mjs"];

/// Runs the chosen steps in their fixed order and prints a table; its last line is `N passed, N failed`.
pub(crate) fn run(repo: &Repo, args: &TestArgs) -> ExitCode {
    let chosen: Vec<Step> = Step::ALL
        .into_iter()
        .filter(|step| args.steps.is_empty() || args.steps.iter().any(|name| step.is_called(name)))
        .collect();
    if args.list {
        for step in chosen {
            println!("{:<14} {}", step.name(), step.about());
        }
        return ExitCode::SUCCESS;
    }
    let session = Session {
        repo,
        server: OnceCell::new(),
    };
    let mut table = Vec::new();
    let mut failed = 0;
    for step in chosen {
        if failed > 0 && !args.keep_going {
            table.push((step, "not run", 0.0));
            continue;
        }
        eprintln!("\n== {}: {}", step.name(), step.about());
        let (result, seconds) = timed(|| session.perform(step));
        let verdict = match result {
            Ok(()) => "passed",
            Err(error) => {
                eprintln!("== {} failed: {error:#}", step.name());
                failed += 1;
                "failed"
            }
        };
        table.push((step, verdict, seconds));
    }
    println!();
    for (step, verdict, seconds) in &table {
        println!("{:<14} {verdict:<8} {seconds:>7.1} s", step.name());
    }
    let passed = table
        .iter()
        .filter(|(_, verdict, _)| *verdict == "passed")
        .count();
    println!("{passed} passed, {failed} failed");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Lists the names `cargo xtask test` takes.
pub(crate) fn names() -> Vec<&'static str> {
    let steps = Step::ALL.iter().map(|step| step.name());
    steps.chain([WASM]).collect()
}

/// Starts a command that has a display, for the one browser that cannot do without.
pub(crate) fn under_display(repo: &Repo) -> Result<Cmd> {
    Ok(repo.cmd(repo.need("xvfb-run")?).arg("-a"))
}

/// Names the WebDriver programs in the environment.
pub(crate) fn driver_envs(repo: &Repo) -> Result<Vec<(&'static str, PathBuf)>> {
    Browser::ALL
        .into_iter()
        .map(|browser| Ok((browser.driver_env(), browser.driver(repo)?)))
        .collect()
}

const WASM: &str = "wasm";

#[derive(Clone, Copy)]
enum Browser {
    Chromium,
    Firefox,
    Webkit,
}

impl Browser {
    const ALL: [Self; 3] = [Self::Chromium, Self::Firefox, Self::Webkit];

    fn driver(self, repo: &Repo) -> Result<PathBuf> {
        repo.need(match self {
            Self::Chromium => "chromedriver",
            Self::Firefox => "geckodriver",
            Self::Webkit => "WebKitWebDriver",
        })
    }

    fn driver_env(self) -> &'static str {
        match self {
            Self::Chromium => "CHROMEDRIVER",
            Self::Firefox => "GECKODRIVER",
            Self::Webkit => "WEBKITDRIVER",
        }
    }

    fn wasm_pack_flag(self) -> &'static str {
        match self {
            Self::Chromium => "--chromedriver",
            Self::Firefox => "--geckodriver",
            Self::Webkit => "--safaridriver",
        }
    }
}

#[derive(Clone, Copy)]
enum Step {
    Setup,
    Fmt,
    Clippy,
    Xtask,
    Core,
    Arrows,
    Server,
    Build,
    Types,
    Docs,
    Clauses,
    Audit,
    Js,
    Systems,
    Wasm(Browser),
    E2e,
    Bindings,
    Packaging,
}

impl Step {
    const ALL: [Self; 20] = [
        Self::Setup,
        Self::Fmt,
        // The wasm tests name the built package, and lints read them.
        Self::Build,
        Self::Clippy,
        Self::Arrows,
        Self::Docs,
        Self::Clauses,
        Self::Audit,
        Self::Xtask,
        Self::Core,
        Self::Server,
        Self::Types,
        Self::Js,
        Self::Systems,
        Self::Wasm(Browser::Chromium),
        Self::Wasm(Browser::Firefox),
        Self::Wasm(Browser::Webkit),
        Self::E2e,
        Self::Bindings,
        Self::Packaging,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Xtask => "xtask",
            Self::Core => "core",
            Self::Arrows => "arrows",
            Self::Server => "server",
            Self::Build => "build",
            Self::Types => "types",
            Self::Docs => "docs",
            Self::Clauses => "clauses",
            Self::Audit => "audit",
            Self::Js => "js",
            Self::Systems => "systems",
            Self::Wasm(Browser::Chromium) => "wasm-chromium",
            Self::Wasm(Browser::Firefox) => "wasm-firefox",
            Self::Wasm(Browser::Webkit) => "wasm-webkit",
            Self::E2e => "e2e",
            Self::Bindings => "bindings",
            Self::Packaging => "packaging",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Setup => "installs what the other steps need",
            Self::Fmt => "rustfmt finds nothing to change",
            Self::Clippy => "clippy is silent on every crate, the browser's on wasm32 too",
            Self::Xtask => "this program's own tests",
            Self::Core => "the unit, property and simulation tests",
            Self::Arrows => "no part knows of what it must not know of",
            Self::Server => "the server's and the fault proxy's tests",
            Self::Build => "the package builds, keeps its size budget, and packs whole",
            Self::Types => {
                "TypeScript, old and new, finds the package sound as it is published, and its types explained"
            }
            Self::Docs => {
                "what is written is so: links, commands, code, errors, tests that are named; and the reference is whole"
            }
            Self::Clauses => "a test names each clause of the protocol",
            Self::Audit => "licences, sources and known defects of what we build on",
            Self::Js => "the package's JavaScript speaks the golden frames",
            Self::Systems => "the servers of five other systems speak as their apps know them",
            Self::Wasm(Browser::Chromium) => "the browser crate's tests in Chromium",
            Self::Wasm(Browser::Firefox) => "the browser crate's tests in Firefox",
            Self::Wasm(Browser::Webkit) => "the browser crate's tests in WebKitGTK",
            Self::E2e => "the built package in pages of all three browsers",
            Self::Bindings => "the built package in apps of React, Vue and Svelte, in Chromium",
            Self::Packaging => {
                "the packed tarball, installed in apps, built by their tools and run: the quick ones"
            }
        }
    }

    fn is_called(self, name: &str) -> bool {
        name == self.name() || (name == WASM && matches!(self, Self::Wasm(_)))
    }
}

/// One run of the tests: its server is started by the first step that needs one.
struct Session<'a> {
    repo: &'a Repo,
    server: OnceCell<Server>,
}

impl Session<'_> {
    fn perform(&self, step: Step) -> Result<()> {
        let repo = self.repo;
        match step {
            Step::Setup => setup::run(repo, Scope::Browsers),
            Step::Fmt => self.cargo(&["fmt", "--all", "--check"]),
            Step::Clippy => {
                self.cargo(&["clippy", "--workspace", "--all-targets", "--", "-Dwarnings"])?;
                let wasm = ["clippy", "-p", "throughline", "--target"];
                for (targets, features) in [
                    ("--all-targets", "--features="),
                    ("--all-targets", "--features=voice"),
                    ("--lib", "--no-default-features"),
                ] {
                    let wasm = repo.cmd("cargo").args(wasm);
                    wasm.args(["wasm32-unknown-unknown", targets, features])
                        .args(["--", "-Dwarnings"])
                        .run()?;
                }
                Ok(())
            }
            Step::Xtask => self.cargo(&["test", "-p", "xtask"]),
            Step::Core => {
                self.cargo(&["test", "-p", "throughline-core", "--features", "voice"])?;
                self.cargo(&["test", "-p", "throughline", "--lib", "--features", "voice"])
            }
            Step::Arrows => arrows::check(repo),
            Step::Server => self.cargo(&["test", "-p", "throughline-server"]),
            Step::Build => {
                build::run(repo, Flavour::Release)?;
                println!("{}", pack::tarball(repo)?);
                Ok(())
            }
            Step::Types => {
                setup::packages(repo, ".")?;
                repo.existing("pkg/dist/throughline.js")
                    .context("run `cargo xtask build` first")?;
                // By its path: the oldest compiler that is supported is installed, too.
                let tsc = repo.existing("node_modules/typescript/bin/tsc")?;
                let node = repo.cmd("node").arg(tsc);
                node.args(["--noEmit", "-p", "pkg/tsconfig.json"]).run()?;
                let suites = self.suites("tests/package")?;
                repo.cmd("node").arg("--test").args(suites).run()
            }
            Step::Docs => {
                docs::check(repo)?;
                systems::check(repo)?;
                site::install(repo)?;
                let suites = self.suites("tests/docs")?;
                repo.cmd("node").arg("--test").args(suites).run()?;
                site::run(repo, &DocsArgs::CHECK)
            }
            Step::Clauses => clauses::check(repo),
            Step::Audit => audit::check(repo),
            Step::Js => {
                let suites = files(&repo.existing("tests/js")?)?;
                repo.cmd("node").arg("--test").args(suites).run()
            }
            Step::Systems => {
                let suites = self.suites("tests/systems")?;
                repo.existing("node_modules/ws")
                    .context("run `cargo xtask setup` first")?;
                let node = repo.cmd("node").args(["--test", "--test-concurrency=2"]);
                node.args(suites).run()
            }
            Step::Wasm(browser) => self.wasm(browser),
            Step::E2e => self.pages("tests/e2e"),
            Step::Bindings => self.pages("tests/bindings"),
            Step::Packaging => self.pages("tests/packaging"),
        }
    }

    fn cargo(&self, args: &[&str]) -> Result<()> {
        self.repo.cmd("cargo").args(args).run()
    }

    fn wasm(&self, browser: Browser) -> Result<()> {
        let repo = self.repo;
        let wasm_pack = repo.need("wasm-pack")?;
        let driver = browser.driver(repo)?;
        let cmd = match browser {
            Browser::Chromium | Browser::Firefox => repo.cmd(wasm_pack),
            Browser::Webkit => under_display(repo)?.arg(wasm_pack),
        };
        let cmd = match browser {
            Browser::Chromium => cmd.args(["test", "--headless", "--chrome"]),
            Browser::Firefox => cmd.args(["test", "--headless", "--firefox"]),
            Browser::Webkit => cmd.args(["test", "--headless", "--safari"]),
        };
        cmd.arg(browser.wasm_pack_flag())
            .arg(driver)
            .envs(self.server()?.envs())
            .env("WASM_BINDGEN_TEST_TIMEOUT", WASM_SUITE_SECONDS)
            .run()
    }

    /// Runs a folder's suites, which drive browsers.
    fn pages(&self, folder: &str) -> Result<()> {
        let repo = self.repo;
        let suites = self.suites(folder)?;
        repo.existing("pkg/dist/throughline.js")
            .context("run `cargo xtask build` first")?;
        self.cargo(&["build", "-p", "throughline-server"])?;
        let (patient, busy): (Vec<_>, Vec<_>) = suites
            .into_iter()
            .partition(|path| PATIENT.iter().any(|name| path.ends_with(name)));
        if patient.is_empty() {
            return self.in_pages(busy)?.run();
        }
        let mut aside = self.in_pages(patient)?.spawn()?;
        let mut told = BufReader::new(aside.stdout.take().context("it has no stdout")?);
        let mut text = String::new();
        // Once it speaks, it has its display, and the other may look for one.
        told.read_line(&mut text)?;
        let rest = thread::spawn(move || io::read_to_string(told));
        let busy = self.in_pages(busy)?.run();
        let status = aside.wait()?;
        let Ok(rest) = rest.join() else {
            bail!("what reads of {} is gone", PATIENT.join(", "))
        };
        print!("{text}{}", rest?);
        busy?;
        ensure!(status.success(), "{}: {status}", PATIENT.join(", "));
        Ok(())
    }

    /// A run of suites one file at a time: two cores do not drive two busy browsers in time.
    fn in_pages(&self, suites: Vec<PathBuf>) -> Result<Cmd> {
        let repo = self.repo;
        Ok(under_display(repo)?
            .args(["node", "--test", "--test-concurrency=1"])
            .args(suites)
            .envs(driver_envs(repo)?)
            .env(
                "THROUGHLINE_SERVER_BIN",
                repo.target()?.join("debug/throughline-server"),
            ))
    }

    /// Lists a folder's suites; what stands beside them is shared by them.
    fn suites(&self, folder: &str) -> Result<Vec<PathBuf>> {
        let mut suites = files(&self.repo.existing(folder)?)?;
        suites.retain(|path| {
            let name = path.to_string_lossy();
            name.ends_with(".test.js") || name.ends_with(".test.mjs")
        });
        ensure!(
            !suites.is_empty(),
            "{folder} has no *.test.js or *.test.mjs"
        );
        Ok(suites)
    }

    fn server(&self) -> Result<&Server> {
        if self.server.get().is_none() {
            let started = Server::for_tests(self.repo)?;
            if self.server.set(started).is_err() {
                bail!("the server was started twice");
            }
        }
        self.server.get().context("the server did not start")
    }
}

#[cfg(test)]
mod tests {
    use super::{Step, names};
    use std::collections::BTreeSet;

    #[test]
    fn every_step_has_a_name_of_its_own() {
        let names = names();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }

    #[test]
    fn one_name_runs_the_three_browsers() {
        let called = Step::ALL.iter().filter(|step| step.is_called("wasm"));
        assert_eq!(called.count(), 3);
    }
}
