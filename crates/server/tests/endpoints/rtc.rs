//! Data channels as links, and their signalling (annex D).

use serde_json::json;

use crate::rig::{Rig, eventually, hello};

pub(crate) mod client;

#[tokio::test]
async fn a_session_goes_over_a_data_channel() {
    let rig = Rig::start().await;
    let (mut peer, ready) = rig.take_rtc(hello(), 1).await;
    assert_eq!(ready["resumed"], true);
    peer.send(json!([[1, "ECHO", { "a": [1, "é", null] }]]));
    assert_eq!(
        peer.frame().await,
        json!([1, "ECHO", { "a": [1, "é", null] }])
    );
    let unit = throughline_core::codec::encode_binary(2, "ECHO", &[0, 255, 10], None).unwrap();
    peer.send_bytes(unit);
    assert_eq!(
        peer.frame().await,
        json!(["bytes", 2, "ECHO", [0, 255, 10]])
    );
    assert_eq!(rig.server.hub().session_count(), 1);
    peer.leave();
    eventually("the link is gone", || rig.server.hub().link_count() == 0).await;
}

#[tokio::test]
async fn an_ice_restart_keeps_the_link() {
    let rig = Rig::start().await;
    let (mut peer, _) = rig.take_rtc(hello(), 1).await;
    for n in 1..=3 {
        peer.restart().await;
        peer.send(json!([[n, "ECHO", n]]));
        assert_eq!(peer.frame().await, json!([n, "ECHO", n]));
    }
    assert_eq!(peer.delete().await.status(), 200);
    assert_eq!(peer.unit().await, json!([["closed"]]));
    eventually("the link is gone", || rig.server.hub().link_count() == 0).await;
    eventually("its name is forgotten", || true).await;
}
