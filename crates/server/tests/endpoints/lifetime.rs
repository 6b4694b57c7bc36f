//! A link lives as long as its token (P2.7).

use std::time::Duration;

use serde_json::{Value, json};
use throughline_core::Transport;
use throughline_core::codec::Secret;
use throughline_server::token::{TokenPolicy, Tokens};

use crate::rig::{Link, Rig, hello};

const LONG: Duration = Duration::from_secs(600);

/// Long enough to say `auth` in, short enough to wait for.
const SHORT: Duration = Duration::from_millis(2_500);

struct Door {
    rig: Rig,
    tokens: Tokens,
}

impl Door {
    async fn open() -> Self {
        let rig = Rig::with(|config| config.token_secret = Some(Secret::new("sesame"))).await;
        let tokens = Tokens::new(Some(&Secret::new("sesame")), TokenPolicy::Required).unwrap();
        Self { rig, tokens }
    }

    fn hello(&self, life: Duration) -> Value {
        let mut hello = hello();
        hello["token"] = self.tokens.mint("ann", life).expose().into();
        hello
    }

    fn auth(&self, subject: &str, life: Duration) -> Value {
        json!([["auth", self.tokens.mint(subject, life).expose()]])
    }

    async fn take(&self, transport: Transport, life: Duration) -> Link {
        self.rig.take(transport, self.hello(life), 1).await.0
    }
}

/// P2.7: on every transport the client is told in time, and may go on with another token.
#[tokio::test]
async fn a_link_goes_on_with_a_fresh_token_and_ends_without() {
    let door = Door::open().await;
    for transport in Transport::TEXT {
        let mut renewed = door.take(transport, SHORT).await;
        let mut left = door.take(transport, SHORT).await;
        let warning = renewed.message().await;
        assert_eq!(warning[0], "expiring", "{transport:?}");
        assert!(u128::from(warning[1].as_u64().unwrap()) <= SHORT.as_millis() / 3);
        renewed.send(door.auth("ann", LONG)).await;
        assert_eq!(left.closed().await, (4401, None), "{transport:?}");
        renewed.send(json!([[1, "ECHO", "still here"]])).await;
        assert_eq!(renewed.message().await, json!([1, "ECHO", "still here"]));
    }
}

/// P2.7: a fresh token beside a POST is as good as one in it.
#[tokio::test]
async fn a_post_with_a_fresh_token_renews_its_link() {
    let door = Door::open().await;
    for transport in [Transport::Sse, Transport::LongPoll] {
        let mut renewed = door.take(transport, SHORT).await;
        let mut left = door.take(transport, SHORT).await;
        assert_eq!(renewed.message().await[0], "expiring", "{transport:?}");
        let address = door.rig.url(&format!("/realtime?link={}", renewed.name));
        let post = door.rig.http.post(&address).json(&json!([["ping", 1]]));
        let token = door.tokens.mint("ann", LONG);
        let answer = post.bearer_auth(token.expose()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(renewed.message().await, json!(["pong", 1]));
        assert_eq!(left.closed().await, (4401, None), "{transport:?}");
        renewed.send(json!([[1, "ECHO", "still here"]])).await;
        assert_eq!(renewed.message().await, json!([1, "ECHO", "still here"]));
    }
}

/// P2.7, P5.3, P5.4
#[tokio::test]
async fn a_token_that_does_not_renew_ends_the_link() {
    let door = Door::open().await;
    for transport in Transport::TEXT {
        for (unit, code) in [
            (json!([["auth", "nonsense"]]), 4401),
            (door.auth("ann", Duration::ZERO), 4401),
            (door.auth("eve", LONG), 4403),
        ] {
            let mut link = door.take(transport, LONG).await;
            door.say(&mut link, transport, &unit, code).await;
            assert_eq!(link.closed().await, (code, None), "{transport:?}");
        }
    }
}

/// P2.7: there is nothing to renew.
#[tokio::test]
async fn auth_before_hello_ends_the_link() {
    let door = Door::open().await;
    for token in [door.auth("ann", LONG), json!([["auth", "nonsense"]])] {
        let mut link = door.rig.open(Transport::WebSocket).await;
        link.send(token).await;
        assert_eq!(link.closed().await, (4400, None));
    }
}

impl Door {
    /// Says what ends the link; on split links the answer says so too.
    async fn say(&self, link: &mut Link, transport: Transport, unit: &Value, code: u64) {
        if transport == Transport::WebSocket {
            return link.send(unit.clone()).await;
        }
        let address = self.rig.url(&format!("/realtime?link={}", link.name));
        let answer = self.rig.http.post(address).json(unit).send().await.unwrap();
        assert_eq!(u64::from(answer.status().as_u16()) + 4_000, code);
    }
}
