//! Links over each transport to the running server.

use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{LONG_POLL, NOWHERE, Page, SSE, WEBSOCKET, state, told};

#[wasm_bindgen_test]
async fn a_websocket_opens_proves_itself_and_echoes() {
    echoes(WEBSOCKET).await;
}

#[wasm_bindgen_test]
async fn an_event_stream_opens_proves_itself_and_echoes() {
    echoes(SSE).await;
}

#[wasm_bindgen_test]
async fn long_polling_opens_proves_itself_and_echoes() {
    echoes(LONG_POLL).await;
}

async fn echoes(transport: u32) {
    let page = Page::connected(transport).await;
    page.send("ECHO", r#"{"n":1}"#);
    page.send("ECHO", "[2,null]");
    let heard = page.until_heard(2).await.unwrap().as_string().unwrap();
    assert_eq!(heard, r#"[["ECHO",{"n":1}],["ECHO",[2,null]]]"#);
    let outcomes = page.until_settled(2).await.unwrap().as_string().unwrap();
    assert_eq!(outcomes, "[0,0]", "both were acknowledged");
    page.close().await;
}

#[wasm_bindgen_test]
async fn calls_from_inside_events_and_messages_are_taken_in_their_turn() {
    for transport in [WEBSOCKET, SSE, LONG_POLL] {
        let page = Page::with(&crate::page::server(), transport);
        page.meddle();
        page.tell(told::CONNECT, 0.0, 0.0, 0.0);
        page.until_state(state::CONNECTED).await.unwrap();
        page.until_heard(20).await.unwrap();
        assert!(page.meddled() >= 20);
        page.close().await;
    }
}

#[wasm_bindgen_test]
async fn what_comes_late_for_a_dropped_attempt_changes_nothing() {
    let page = Page::connected(WEBSOCKET).await;
    let before = page.delivered();
    for attempt in [0, 2, 77, u32::MAX] {
        report_everything(&page, attempt);
    }
    assert_eq!(page.delivered(), before);
    assert_eq!(page.state(), state::CONNECTED);
    page.send("ECHO", "1");
    page.until_heard(1).await.unwrap();

    page.tell(told::CLOSE, 0.0, 0.0, 0.0);
    page.until_state(state::CLOSED).await.unwrap();
    let before = page.delivered();
    report_everything(&page, 1);
    assert_eq!(page.delivered(), before);
    assert_eq!(page.state(), state::CLOSED);
    page.free();
}

#[wasm_bindgen_test]
fn an_attempt_that_never_opens_is_left_behind_by_a_close() {
    let page = Page::with(NOWHERE, SSE);
    page.tell(told::CONNECT, 0.0, 0.0, 0.0);
    page.tell(told::CLOSE, 0.0, 0.0, 0.0);
    assert_eq!(page.state(), state::CLOSED);
    report_everything(&page, 1);
    assert_eq!(page.state(), state::CLOSED);
    page.free();
}

fn report_everything(page: &Page, attempt: u32) {
    let id = f64::from(attempt);
    for kind in [
        told::OPENED,
        told::READY,
        told::WRITTEN,
        told::HEARD,
        told::ENDED,
    ] {
        page.tell(kind, id, 1.0, 4400.0);
    }
    for kind in [
        told::ACK,
        told::PING,
        told::PONG,
        told::GOAWAY,
        told::CLOSED,
    ] {
        page.tell(kind, id, 4400.0, 0.0);
    }
    page.ready(attempt);
    assert_eq!(page.accept(attempt, 1.0) & 1, 0, "no message is delivered");
}
