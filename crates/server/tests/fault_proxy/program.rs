//! The binary.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

use super::rig::{Http, Rig, within};

#[tokio::test]
async fn the_program_proxies_and_is_controlled_from_its_ready_line_on() {
    let rig = Rig::start(vec![]).await;
    let mut program = program()
        .args(["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"])
        .args([
            "--upstream",
            &rig.upstream.to_string(),
            "--fault",
            "post-404",
        ])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let ready = within(lines.next_line()).await.unwrap().unwrap();
    let mut addresses = ready.split("http://").skip(1);
    let mut address = || {
        let text = addresses.next().unwrap();
        text.split([' ', '/']).next().unwrap().parse().unwrap()
    };
    let mut proxied = Http::connect(address()).await;
    let mut control = Http::connect(address()).await;
    assert!(
        proxied
            .ask("POST", "/post", &[], "x")
            .await
            .0
            .starts_with("HTTP/1.1 404")
    );
    control.ask("DELETE", "/faults", &[], "").await;
    assert_eq!(proxied.ask("POST", "/post", &[], "x").await.1, "x");
}

#[tokio::test]
async fn a_taken_port_is_named_and_is_a_failure() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (option, other) in [("--listen", "--control"), ("--control", "--listen")] {
        let mut program = program();
        program.args([option, &address, other, "127.0.0.1:0"]);
        let output = within(program.output()).await.unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains(&format!("cannot listen on {address}")),
            "{said}"
        );
        assert!(said.contains("in use"), "{said}");
    }
}

#[tokio::test]
async fn a_fault_that_cannot_be_is_a_usage_error() {
    let output = within(program().args(["--fault", r#"{"kind":"delay"}"#]).output())
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("missing field `ms`"), "{said}");
}

#[tokio::test]
async fn help_explains_every_fault() {
    let output = within(program().arg("--help").output()).await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    for (name, effect) in throughline_server::fault::Fault::HELP {
        assert!(said.contains(name) && said.contains(effect), "{name}");
    }
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_fault-proxy"))
}
