//! What is opened is let go of.

use wasm_bindgen::externref_heap_live_count;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{LONG_POLL, NOWHERE, Page, SSE, WEBSOCKET, told};

const OPENS: u32 = 1_000;

/// A leak of one handle an open would be a thousand.
const SLACK: u32 = 20;

#[wasm_bindgen_test]
fn a_thousand_opens_and_drops_leave_the_handle_table_flat() {
    let open_and_drop = |transport| {
        let page = Page::with(NOWHERE, transport);
        page.tell(told::CONNECT, 0.0, 0.0, 0.0);
        page.send("ECHO", "1");
        page.tell(told::CLOSE, 0.0, 0.0, 0.0);
        page.free();
    };
    open_and_drop(WEBSOCKET);
    let before = externref_heap_live_count();
    for n in 0..OPENS {
        open_and_drop([WEBSOCKET, SSE, LONG_POLL][n as usize % 3]);
    }
    let after = externref_heap_live_count();
    assert!(
        after <= before + SLACK,
        "{before} handles before, {after} after"
    );
}

#[wasm_bindgen_test]
async fn links_that_carried_something_leave_the_handle_table_flat() {
    let carry = async |transport| {
        let page = Page::connected(transport).await;
        page.send("ECHO", "1");
        page.until_heard(1).await.unwrap();
        page.close().await;
    };
    for transport in [WEBSOCKET, SSE, LONG_POLL] {
        carry(transport).await;
    }
    let before = externref_heap_live_count();
    for n in 0..60 {
        carry([WEBSOCKET, SSE, LONG_POLL][n % 3]).await;
    }
    let after = externref_heap_live_count();
    assert!(
        after <= before + SLACK,
        "{before} handles before, {after} after"
    );
}
