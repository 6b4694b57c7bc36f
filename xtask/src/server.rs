//! Servers as child processes: found by the lines they print, ended when dropped.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::tools::Repo;

/// What the reference server's lines begin with: `throughline-server KEY on http://…`.
pub(crate) const PROGRAM: &str = "throughline-server";
const LISTENING: &str = "listening";
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the server is silent once it has printed its last address.
const PAUSE: Duration = Duration::from_millis(200);

/// A running server.
pub(crate) struct Server {
    child: Child,
    program: String,
    lines: Receiver<String>,
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// Its further addresses, by key.
    pub(crate) others: BTreeMap<String, String>,
}

impl Server {
    /// Builds the debug server, and starts it with its demo and its fault proxy on free ports.
    pub(crate) fn for_tests(repo: &Repo) -> Result<Self> {
        repo.cmd("cargo")
            .args(["build", "-p", "throughline-server"])
            .run_aside()?;
        let program = repo.target()?.join("debug/throughline-server");
        let child = repo
            .cmd(program)
            .args([
                "--listen",
                "127.0.0.1:0",
                "--demo",
                "--faults",
                "127.0.0.1:0",
            ])
            .spawn()?;
        Self::listening(child, PROGRAM, 1)
    }

    /// Waits until a started server has said where it listens, printed `others` further addresses, and paused.
    ///
    /// Fails when it ends first or has not done so after 20 s.
    pub(crate) fn listening(mut child: Child, program: &str, others: usize) -> Result<Self> {
        let stdout = child
            .stdout
            .take()
            .context("the server's output is not piped")?;
        let mut server = Self {
            child,
            program: program.to_owned(),
            lines: read_lines(stdout),
            url: String::new(),
            others: BTreeMap::new(),
        };
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let ready = !server.url.is_empty() && server.others.len() >= others;
            let left = deadline.saturating_duration_since(Instant::now());
            match server.lines.recv_timeout(if ready { PAUSE } else { left }) {
                Ok(line) => server.handle_line(&line),
                Err(RecvTimeoutError::Timeout) if ready => return Ok(server),
                Err(RecvTimeoutError::Timeout) => bail!(
                    "the server has not printed `{program} {LISTENING} on http://…` and {others} more such lines within {} s",
                    START_TIMEOUT.as_secs()
                ),
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the server ended at its start: {}", server.child.wait()?)
                }
            }
        }
    }

    /// The process's id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Passes the server's output on until it ends.
    pub(crate) fn wait(mut self) -> Result<std::process::ExitStatus> {
        for line in &self.lines {
            println!("{line}");
        }
        Ok(self.child.wait()?)
    }

    /// The environment by which tests find the server: `THROUGHLINE_TEST_SERVER`, and `THROUGHLINE_TEST_<KEY>` a key.
    pub(crate) fn envs(&self) -> Vec<(String, String)> {
        let others = self.others.iter().map(|(key, url)| {
            let key = key.to_ascii_uppercase().replace('-', "_");
            (format!("THROUGHLINE_TEST_{key}"), url.clone())
        });
        others
            .chain([("THROUGHLINE_TEST_SERVER".into(), self.url.clone())])
            .collect()
    }

    fn handle_line(&mut self, line: &str) {
        eprintln!("  {line}");
        let Some((key, url)) = line
            .strip_prefix(self.program.as_str())
            .and_then(|rest| rest.trim_start().split_once(" on "))
        else {
            return;
        };
        if key == LISTENING {
            self.url = url.trim().to_owned();
        } else {
            self.others.insert(key.to_owned(), url.trim().to_owned());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error here means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(stdout: ChildStdout) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // Read on when nobody listens, so that the server never blocks on a full pipe.
            let _ = sender.send(line);
        }
    });
    lines
}
