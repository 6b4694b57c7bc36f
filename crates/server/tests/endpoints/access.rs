//! Tokens and origins.

use std::time::Duration;

use serde_json::{Value, json};
use throughline_core::Transport;
use throughline_core::codec::Secret;
use throughline_server::Profile;
use throughline_server::token::{TokenPolicy, Tokens};

use crate::rig::{Rig, hello, rand_u128, websocket};

const LIFE: Duration = Duration::from_secs(60);

async fn closed() -> (Rig, Tokens) {
    let rig = Rig::with(|config| {
        config.profile = Profile::Plain;
        config.token_secret = Some(Secret::new("sesame"));
        config.tokens_required = true;
    })
    .await;
    let tokens = Tokens::new(Some(&Secret::new("sesame")), TokenPolicy::Required).unwrap();
    (rig, tokens)
}

fn with_token(token: &str) -> Value {
    let mut hello = hello();
    hello["token"] = token.into();
    hello
}

/// P5.3, A2
#[tokio::test]
async fn a_websocket_without_a_good_token_is_closed_with_4401() {
    let (rig, tokens) = closed().await;
    let expired = tokens.mint("ann", Duration::ZERO);
    for hello in [
        hello(),
        with_token("nonsense"),
        with_token(expired.expose()),
    ] {
        let mut link = rig.greet(Transport::WebSocket, hello).await;
        assert_eq!(link.closed().await, (4401, None));
    }
    let good = tokens.mint("ann", LIFE);
    let mut link = rig
        .greet(Transport::WebSocket, with_token(good.expose()))
        .await;
    link.ready().await;
}

/// P5.4, B3
#[tokio::test]
async fn a_split_link_without_a_good_token_is_401() {
    let (rig, tokens) = closed().await;
    let good = tokens.mint("ann", LIFE);
    let address = rig.url(&format!("/realtime?link={:032x}", rand_u128()));
    let unit = json!([["hello", hello()]]);
    let post = |token: &str| {
        let request = rig.http.post(&address).json(&unit);
        if token.is_empty() {
            request
        } else {
            request.bearer_auth(token)
        }
    };
    for token in ["", "nonsense"] {
        let answer = post(token).send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
    }
    let stream = rig.http.get(&address).header("Accept", "text/event-stream");
    assert_eq!(
        stream
            .try_clone()
            .unwrap()
            .bearer_auth("x")
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    let stream = stream.bearer_auth(good.expose());
    let (stream, answer) = tokio::join!(stream.send(), post(good.expose()).send());
    assert_eq!(stream.unwrap().status(), 200);
    assert_eq!(answer.unwrap().status(), 200);
}

/// B3: the link's name is the right to use it, except for who is known to be another.
#[tokio::test]
async fn a_link_belongs_to_the_subject_of_its_hello() {
    let rig = Rig::start().await;
    let (mut link, _) = rig.take(Transport::Sse, hello(), 1).await;
    let address = rig.url(&format!("/realtime?link={}", link.name));
    let post = rig.http.post(&address).json(&json!([["ping", 1]]));
    let other = post
        .try_clone()
        .unwrap()
        .bearer_auth("dev-eve")
        .send()
        .await
        .unwrap();
    assert_eq!(other.status(), 403);
    let expired = post.bearer_auth("long.expired").send().await.unwrap();
    assert_eq!(expired.status(), 200);
    assert_eq!(link.message().await, json!(["pong", 1]));
}

/// P6.3: the side probe of a client whose WebSocket was refused.
#[tokio::test]
async fn a_plain_get_says_whether_the_path_and_the_token_are_good() {
    let (rig, tokens) = closed().await;
    assert_eq!(rig.get("/realtime").await.status(), 204);
    let probe = |token: String| rig.http.get(rig.url("/realtime")).bearer_auth(token).send();
    assert_eq!(probe("nonsense".into()).await.unwrap().status(), 401);
    let good = tokens.mint("ann", LIFE);
    assert_eq!(probe(good.expose().into()).await.unwrap().status(), 204);
}

/// P6.2
#[tokio::test]
async fn pages_of_foreign_origins_are_refused_everywhere() {
    let rig = Rig::with(|config| {
        config.profile = Profile::Plain;
        config.origins = vec!["https://app.example".into()];
    })
    .await;
    let own = format!("http://{}", rig.server.addr());
    let url = rig.url("/realtime");
    for (origin, status) in [
        ("https://evil.example", 403),
        (&own, 204),
        ("https://app.example", 204),
    ] {
        let get = rig
            .http
            .get(&url)
            .header("Origin", origin)
            .send()
            .await
            .unwrap();
        assert_eq!(get.status(), status, "{origin}");
        let upgraded = websocket(&url, &[("Origin", origin)]).await;
        assert_eq!(upgraded.err(), (status == 403).then_some(403), "{origin}");
    }
}

/// P6.2
#[tokio::test]
async fn a_preflight_lets_allowed_origins_send_tokens() {
    let rig = Rig::with(|config| config.origins = vec!["https://app.example".into()]).await;
    let ask = |origin: &'static str| {
        let request = rig
            .http
            .request(reqwest::Method::OPTIONS, rig.url("/realtime"));
        let request = request.header("Origin", origin);
        let request = request.header("Access-Control-Request-Method", "POST");
        request
            .header(
                "Access-Control-Request-Headers",
                "authorization,content-type",
            )
            .send()
    };
    let allowed = ask("https://app.example").await.unwrap();
    assert_eq!(allowed.status(), 200);
    assert_eq!(
        allowed.headers()["access-control-allow-origin"],
        "https://app.example"
    );
    let headers = allowed.headers()["access-control-allow-headers"]
        .to_str()
        .unwrap();
    assert!(
        headers.contains("authorization") && headers.contains("content-type"),
        "{headers}"
    );
    assert_eq!(ask("https://evil.example").await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_token_is_minted_for_the_demo_and_for_nobody_else() {
    let rig = Rig::start().await;
    let request = json!({ "subject": "ann", "lifeMs": 5_000 });
    let minted: Value = rig.post("/api/token", &request).await.json().await.unwrap();
    assert_eq!(minted["expiresInMs"], 5_000);
    let mut link = rig
        .greet(
            Transport::WebSocket,
            with_token(minted["token"].as_str().unwrap()),
        )
        .await;
    link.ready().await;
    let (plain, _) = closed().await;
    assert_eq!(plain.post("/api/token", &request).await.status(), 404);
}

/// P6.2: a page reads of a path that is not there, too, that it is not there.
#[tokio::test]
async fn an_unknown_path_is_a_404_that_allowed_origins_can_read() {
    let www = std::env::current_dir().unwrap().join("src");
    for www in [None, Some(www)] {
        let rig = Rig::with(|config| {
            config.origins = vec!["https://app.example".into()];
            config.www = www;
        })
        .await;
        let get = rig.http.get(rig.url("/nowhere"));
        let answer = get.header("Origin", "https://app.example").send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 404);
        let allowed = &answer.headers()["access-control-allow-origin"];
        assert_eq!(allowed, "https://app.example");
    }
}
