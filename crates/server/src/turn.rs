//! Credentials for a TURN server that shares a secret with this one, good for a while
//! (coturn's `use-auth-secret`).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha1::Sha1;
use throughline_core::codec::Secret;

/// How long credentials are good.
const LIFE: Duration = Duration::from_secs(3_600);

/// A TURN server, by its addresses and its secret.
#[derive(Debug, Clone)]
pub struct TurnConfig {
    /// Such as `turn:turn.example:3478` or `turn:turn.example:3478?transport=tcp`.
    pub urls: Vec<String>,
    /// What it is configured with as `static-auth-secret`.
    pub secret: Secret,
}

/// What a page hands to its peer connections.
#[derive(Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IceServers {
    ice_servers: Vec<IceServer>,
    /// Seconds that they are good.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u64>,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct IceServer {
    urls: Vec<String>,
    username: String,
    credential: String,
}

impl IceServers {
    /// Fresh ones for `subject`; none where there is no TURN server.
    pub(crate) fn fresh(config: Option<&TurnConfig>, subject: &str) -> Self {
        let Some(config) = config else {
            return Self {
                ice_servers: Vec::new(),
                ttl: None,
            };
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let until = (now.unwrap_or_default() + LIFE).as_secs();
        let username = format!("{until}:{subject}");
        let credential = sign(config.secret.expose(), &username);
        let server = IceServer {
            urls: config.urls.clone(),
            username,
            credential,
        };
        Self {
            ice_servers: vec![server],
            ttl: Some(LIFE.as_secs()),
        }
    }
}

fn sign(secret: &str, username: &str) -> String {
    let mut mac =
        Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("keys of any length are good");
    mac.update(username.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf %s 1700000000:ann | openssl dgst -sha1 -hmac north -binary | base64`
    #[test]
    fn the_signature_is_what_coturn_expects() {
        assert_eq!(sign("north", "1700000000:ann"), EXPECTED);
    }

    const EXPECTED: &str = "jeamH6dA5l2I9g3jmieza7CzEDo=";

    #[test]
    fn without_a_server_there_are_none() {
        let none = serde_json::to_value(IceServers::fresh(None, "ann")).unwrap();
        assert_eq!(none, serde_json::json!({ "iceServers": [] }));
    }
}
