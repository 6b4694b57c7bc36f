//! The control API, over HTTP.

use axum::http::StatusCode;
use serde_json::{Value, json};
use throughline_server::fault::{Class, Fault};
use tokio::net::TcpListener;

use super::rig::{Http, Rig};

#[tokio::test]
async fn rules_are_replaced_added_shown_and_cleared() {
    let rig = Rig::start(vec![]).await;
    let mut control = control(&rig).await;
    let rules = r#"{"rules":[{"kind":"swallow"},{"kind":"delay","ms":100}]}"#;
    let (_, shown) = ask(&mut control, "PUT", "/faults", rules).await;
    assert_eq!(shown["rules"][0], json!({"kind": "swallow", "live": false}));
    let added = r#"{"kind":"status","code":503,"retryAfter":2,"on":["sse"]}"#;
    ask(&mut control, "POST", "/faults", added).await;
    ask(
        &mut control,
        "POST",
        "/faults",
        r#"{"rules":[{"kind":"post-404"}]}"#,
    )
    .await;
    let (_, shown) = ask(&mut control, "GET", "/faults", "").await;
    assert_eq!(shown["rules"].as_array().unwrap().len(), 4);
    assert_eq!(
        shown["connections"]["websocket"],
        json!({"opened": 0, "live": 0})
    );
    let status = Fault::status(StatusCode::SERVICE_UNAVAILABLE, Some(2)).on(&[Class::Sse]);
    assert_eq!(rig.proxy.faults().rules()[2], status);
    let (_, shown) = ask(&mut control, "DELETE", "/faults", "").await;
    assert_eq!(shown["rules"], json!([]));
}

#[tokio::test]
async fn cut_and_log_tell_what_happened() {
    let rig = Rig::start(vec![Fault::mute_sse()]).await;
    let mut control = control(&rig).await;
    let mut sse = rig.sse().await;
    rig.http().await.ask("GET", "/static", &[], "").await;
    let (_, cut) = ask(&mut control, "POST", "/faults/cut", r#"{"on":["sse"]}"#).await;
    assert_eq!(cut, json!({"cut": 1}));
    sse.broken().await;
    let (_, log) = ask(&mut control, "GET", "/log", "").await;
    assert_eq!(log[0]["class"], "sse");
    assert_eq!(log[0]["faults"], json!(["mute-sse"]));
    assert_eq!(log[1]["class"], "other");
    assert!(log[0]["ms"].as_u64() <= log[1]["ms"].as_u64());
    let (_, log) = ask(&mut control, "GET", "/log?since=99999999", "").await;
    assert_eq!(log, json!([]));
    let (head, _) = ask(&mut control, "DELETE", "/log", "").await;
    assert!(head.starts_with("HTTP/1.1 204"), "{head}");
    assert!(rig.proxy.faults().log().is_empty());
}

#[tokio::test]
async fn bad_input_is_answered_400_with_its_reason_and_changes_nothing() {
    let rig = Rig::start(vec![Fault::swallow()]).await;
    let mut control = control(&rig).await;
    let many = format!(
        r#"{{"rules":[{}]}}"#,
        vec![r#"{"kind":"rst"}"#; 65].join(",")
    );
    for (method, path, body) in [
        ("PUT", "/faults", ""),
        ("PUT", "/faults", "\u{fffd}"),
        ("PUT", "/faults", "[]"),
        ("PUT", "/faults", r#"{"rules":{}}"#),
        ("PUT", "/faults", r#"{"rules":[{"kind":"boom"}]}"#),
        ("PUT", "/faults", &many),
        ("POST", "/faults", r#"{"kind":"delay"}"#),
        ("POST", "/faults", r#"{"kind":"swallow","on":["poll"]}"#),
        ("POST", "/faults", "null"),
        ("POST", "/faults/cut", r#"{"on":["tcp"]}"#),
        ("POST", "/faults/cut", "{}"),
        ("GET", "/log?since=never", ""),
    ] {
        let (head, answer) = ask(&mut control, method, path, body).await;
        assert!(
            head.starts_with("HTTP/1.1 400"),
            "{method} {path} {body}: {head}"
        );
        assert!(
            answer["error"]
                .as_str()
                .is_some_and(|reason| !reason.is_empty()),
            "{answer}"
        );
    }
    let (head, answer) = ask(&mut control, "PATCH", "/faults", "").await;
    assert!(
        head.starts_with("HTTP/1.1 405") && answer["error"].is_string(),
        "{head}"
    );
    let (head, answer) = ask(&mut control, "GET", "/nothing", "").await;
    assert!(
        head.starts_with("HTTP/1.1 404") && answer["error"].is_string(),
        "{head}"
    );
    assert_eq!(*rig.proxy.faults().rules(), [Fault::swallow()]);
}

#[tokio::test]
async fn a_page_of_any_origin_may_use_it() {
    let rig = Rig::start(vec![]).await;
    let mut control = control(&rig).await;
    let headers = [
        ("origin", "https://page.example"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "content-type"),
    ];
    let (head, _) = control.ask("OPTIONS", "/faults", &headers, "").await;
    assert!(head.starts_with("HTTP/1.1 204"), "{head}");
    assert!(
        head.contains("access-control-allow-methods: GET, PUT, POST, DELETE\r\n"),
        "{head}"
    );
    let (head, _) = control.ask("PUT", "/faults", &headers, "{").await;
    assert!(
        head.contains("access-control-allow-origin: *\r\n"),
        "{head}"
    );
}

async fn control(rig: &Rig) -> Http {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = rig.proxy.faults().router();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Http::connect(address).await
}

async fn ask(control: &mut Http, method: &str, path: &str, body: &str) -> (String, Value) {
    let (head, body) = control.ask(method, path, &[], body).await;
    (head, serde_json::from_str(&body).unwrap_or(Value::Null))
}
