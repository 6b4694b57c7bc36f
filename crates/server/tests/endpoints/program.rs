//! The program: its lines, its signals, its exit codes, its files.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::rig::PATIENCE;

struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_throughline-server"))
            .args(arguments)
            .env("RUST_LOG", "off")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn line(&mut self, before: &str) -> String {
        let line = timeout(PATIENCE, self.lines.next_line())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        line.strip_prefix(before)
            .unwrap_or_else(|| panic!("{line}"))
            .to_owned()
    }

    async fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        let status = Command::new("kill")
            .args(["-s", name, &pid])
            .status()
            .await
            .unwrap();
        assert!(status.success());
    }

    async fn code(&mut self) -> Option<i32> {
        timeout(PATIENCE, self.child.wait())
            .await
            .unwrap()
            .unwrap()
            .code()
    }
}

#[tokio::test]
async fn it_says_where_it_is_and_ends_well_on_a_signal() {
    for signal in ["TERM", "INT"] {
        let mut program = Program::start(&[
            "--listen",
            "127.0.0.1:0",
            "--demo",
            "--faults",
            "127.0.0.1:0",
        ]);
        let url = program.line("throughline-server listening on ").await;
        let faults = program.line("throughline-server faults on ").await;
        for url in [&url, &faults] {
            let health = reqwest::get(format!("{url}/api/health")).await.unwrap();
            assert_eq!(health.status(), 200);
        }
        let rules = reqwest::get(format!("{url}/faults/faults")).await.unwrap();
        assert_eq!(rules.status(), 200);
        let demo = reqwest::get(format!("{url}/api/demo")).await.unwrap();
        let demo: serde_json::Value = demo.json().await.unwrap();
        assert_eq!(demo["faults"], faults);
        program.signal(signal).await;
        assert_eq!(program.code().await, Some(0));
    }
}

#[tokio::test]
async fn a_port_in_use_is_told_and_is_exit_code_2() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut program = Program::start(&["--listen", &address]);
    let mut told = String::new();
    program
        .child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut told)
        .await
        .unwrap();
    assert_eq!(
        told,
        format!(
            "throughline-server: {address} is in use by another program; choose another port\n"
        )
    );
    assert_eq!(program.code().await, Some(2));
}

#[tokio::test]
async fn a_script_that_cannot_be_read_is_told_and_is_exit_code_1() {
    let script = ["--openai", "--openai-script", "no-such-script.json"];
    let mut program = Program::start(&[&["--listen", "127.0.0.1:0"], &script[..]].concat());
    let mut error = String::new();
    let mut stderr = program.child.stderr.take().unwrap();
    stderr.read_to_string(&mut error).await.unwrap();
    assert!(error.contains("the script cannot be read"), "{error}");
    assert_eq!(program.code().await, Some(1));
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut program = Program::start(&["--listen", "127.0.0.1:0"]);
    let url = program.line("throughline-server listening on ").await;
    let _link = crate::rig::websocket(&format!("{url}/realtime"), &[])
        .await
        .unwrap();
    program.signal("TERM").await;
    let probe = format!("{url}/realtime");
    let draining = async { while reqwest::get(&probe).await.unwrap().status() != 503 {} };
    timeout(PATIENCE, draining).await.unwrap();
    program.signal("TERM").await;
    assert_eq!(program.code().await, Some(1));
}

/// HTML §7.1.3: isolated pages have the fine clock.
#[tokio::test]
async fn files_have_their_types_and_pages_are_isolated() {
    let folder =
        std::env::temp_dir().join(format!("throughline-www-{:032x}", crate::rig::rand_u128()));
    std::fs::create_dir(&folder).unwrap();
    let types = [
        ("index.html", "text/html"),
        ("a.js", "text/javascript"),
        ("a.css", "text/css"),
        ("a.wasm", "application/wasm"),
    ];
    for (name, _) in types {
        std::fs::write(folder.join(name), "x").unwrap();
    }
    let path = folder.to_str().unwrap();
    let mut program = Program::start(&["--listen", "127.0.0.1:0", "--www", path, "--pkg", path]);
    let url = program.line("throughline-server listening on ").await;
    for base in ["", "/pkg"] {
        for (name, kind) in types {
            let answer = reqwest::get(format!("{url}{base}/{name}")).await.unwrap();
            assert_eq!(answer.status(), 200, "{base}/{name}");
            let headers = answer.headers();
            assert_eq!(headers["content-type"], kind);
            assert_eq!(headers["cache-control"], "no-cache");
            assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
            assert_eq!(headers["cross-origin-embedder-policy"], "require-corp");
        }
    }
    let outside = reqwest::get(format!("{url}/%2e%2e/%2e%2e/etc/passwd"))
        .await
        .unwrap();
    assert_eq!(outside.status(), 404);
    remove(&folder);
}

fn remove(folder: &Path) {
    std::fs::remove_dir_all(folder).unwrap();
}
