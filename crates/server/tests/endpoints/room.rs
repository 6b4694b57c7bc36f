//! Flow control: what becomes of a reader that is slower than its sender.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use serde_json::json;
use throughline_core::Transport;
use throughline_core::codec::Body;
use throughline_core::server::SessionKey;
use throughline_server::hub::Peer;

use crate::rig::{Rig, hello, resume};

/// The first session of a server.
const FIRST: Peer = Peer::Session(SessionKey(1));

const REPLAY: usize = 64 << 10;

fn big(i: usize) -> Body {
    Body::json("BIG", &json!({ "i": i, "pad": "x".repeat(4_000) })).unwrap()
}

/// Whether a future is done when it is looked at once.
async fn is_ready(future: impl Future) -> bool {
    let mut future = pin!(future);
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
}

/// A sender that waits for room pushes nothing out of the history, however slow the reader: even
/// while it is away.
#[tokio::test]
async fn a_sender_that_waits_for_room_leaves_no_gap() {
    let rig = Rig::with(|config| config.sessions.replay_bytes = REPLAY).await;
    let hub = rig.server.hub();
    let hello = hello();
    let (mut link, ready) = rig.take(Transport::WebSocket, hello.clone(), 1).await;
    link.send(json!([[1, "ECHO", 0]])).await;
    assert_eq!(link.message().await[0], 1);
    let mut sent = 0;
    while is_ready(hub.room(FIRST, usize::MAX)).await {
        hub.send(FIRST, big(sent));
        sent += 1;
        assert!(sent * 4_000 < REPLAY, "nothing was acknowledged");
    }
    drop(link);
    crate::rig::eventually("the link ends", || hub.link_count() == 0).await;
    assert!(!is_ready(hub.room(FIRST, 0)).await);
    let (mut link, again) = rig
        .take(Transport::WebSocket, resume(&hello, &ready, 1), 2)
        .await;
    assert_eq!(again["resumed"], true);
    for i in 0..sent {
        assert_eq!(link.message().await[2]["i"], i);
    }
    link.send(json!([["ack", sent + 1]])).await;
    tokio::time::timeout(crate::rig::PATIENCE, hub.room(FIRST, 0))
        .await
        .unwrap();
}

/// A sender may wait for a session that never comes back.
#[tokio::test]
async fn who_waits_for_room_is_told_when_the_session_is_over() {
    let rig = Rig::with(|config| {
        config.sessions.replay_bytes = REPLAY;
        config.sessions.window = 50;
    })
    .await;
    let hub = rig.server.hub();
    let (link, _) = rig.take(Transport::WebSocket, hello(), 1).await;
    crate::rig::eventually("the session is there", || hub.knows(FIRST)).await;
    for i in 0..10 {
        hub.send(FIRST, big(i));
    }
    let room = hub.room(FIRST, 0);
    drop(link);
    tokio::time::timeout(crate::rig::PATIENCE, room)
        .await
        .unwrap();
    assert!(!hub.knows(FIRST));
}

/// P5.3, P2.3: a reader that was too slow is closed with a hint. It goes on where it was if all that
/// it lacks is kept, and is told of the gap otherwise.
#[tokio::test]
async fn a_slow_reader_resumes_if_its_history_is_kept_and_is_told_of_the_gap_else() {
    for (replay, resumed) in [(64 << 20, true), (REPLAY, false)] {
        let rig = Rig::with(|config| {
            config.limits.buffered_bytes = 128 << 10;
            config.sessions.replay_bytes = replay;
        })
        .await;
        let hub = rig.server.hub();
        let hello = hello();
        let (mut link, ready) = rig.take(Transport::Sse, hello.clone(), 1).await;
        link.send(json!([[1, "ECHO", 0]])).await;
        assert_eq!(link.message().await[0], 1);
        // It does not read: the sockets' buffers fill, then the server's.
        let mut sent = 0;
        while hub.link_count() > 0 {
            hub.send(FIRST, big(sent));
            sent += 1;
            tokio::task::yield_now().await;
        }
        assert_eq!(link.closed().await, (4429, Some(2_000)));
        let (mut link, again) = rig
            .take(Transport::WebSocket, resume(&hello, &ready, 1), 2)
            .await;
        assert_eq!(again["resumed"], resumed);
        if resumed {
            for i in 0..sent {
                assert_eq!(link.message().await[2]["i"], i);
            }
        } else {
            assert_ne!(again["session"], ready["session"]);
        }
    }
}
