//! Keys that a client may have: each opens sessions with the settings it was made with.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::event::Problem;
use super::settings::Settings;
use super::weight::weight;

/// What a client's key begins with.
const EPHEMERAL: &str = "ek_";

/// Most keys at a time, and most bytes that their settings take; those that end first go.
const MOST: usize = 10_000;
const BYTES: usize = 128 << 20;

#[derive(Default)]
pub(super) struct Keys(Mutex<HashMap<String, Key>>);

struct Key {
    until: Instant,
    settings: Settings,
    bytes: usize,
}

/// Who asks.
#[derive(Debug)]
pub(super) enum Right {
    /// A backend, with the key of its account: any is good.
    Account,
    /// A client, for sessions of these settings.
    Client(Settings),
}

impl Keys {
    /// Makes a key.
    pub(super) fn make(
        &self,
        settings: Settings,
        life: Duration,
        now: Instant,
    ) -> Result<String, getrandom::Error> {
        let name = format!("{EPHEMERAL}{}", super::random::<24>()?);
        let bytes = weight(settings.to_json());
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|_, key| key.until > now);
        let mut held: usize = keys.values().map(|key| key.bytes).sum();
        while keys.len() >= MOST || held + bytes > BYTES {
            let first = keys.iter().min_by_key(|(_, key)| key.until);
            let Some(first) = first.map(|(name, _)| name.clone()) else {
                break;
            };
            held -= keys.remove(&first).map_or(0, |key| key.bytes);
        }
        let key = Key {
            until: now + life,
            settings,
            bytes,
        };
        keys.insert(name.clone(), key);
        Ok(name)
    }

    /// What a key gives the right to.
    pub(super) fn check(&self, key: &str, now: Instant) -> Result<Right, Problem> {
        if key.is_empty() {
            let message = "You didn't provide an API key.";
            return Err(Problem::new("missing_api_key", message));
        }
        if !key.starts_with(EPHEMERAL) {
            return Ok(Right::Account);
        }
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match keys.get(key) {
            Some(key) if key.until > now => Ok(Right::Client(key.settings.clone())),
            Some(_) => Err(Problem::new(
                "token_expired",
                "The client secret has expired.",
            )),
            None => Err(Problem::new(
                "invalid_api_key",
                "Incorrect API key provided.",
            )),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::event::Names;
    use super::*;

    #[test]
    fn a_key_is_good_for_its_life_and_any_number_of_sessions() {
        let (keys, now, life) = (Keys::default(), Instant::now(), Duration::from_secs(600));
        let settings = Settings::new(Names::Ga, "mine");
        let key = keys.make(settings, life, now).unwrap();
        for _ in 0..2 {
            let right = keys.check(&key, now + life / 2).unwrap();
            assert!(matches!(right, Right::Client(it) if it.to_json()["model"] == "mine"));
        }
        assert_eq!(
            keys.check(&key, now + life).unwrap_err().code,
            "token_expired"
        );
        assert_eq!(keys.check("ek_x", now).unwrap_err().code, "invalid_api_key");
        assert_eq!(keys.check("", now).unwrap_err().code, "missing_api_key");
        assert!(matches!(keys.check("sk-x", now), Ok(Right::Account)));
    }

    #[test]
    fn keys_of_large_sessions_have_so_much_room_and_those_that_end_first_go() {
        let (keys, now) = (Keys::default(), Instant::now());
        let mut settings = Settings::new(Names::Ga, "m");
        let tools = vec![json!({ "type": "function", "name": "a" }); 1_000];
        let wanted = json!({ "type": "realtime", "tools": tools });
        settings.update(wanted.as_object().unwrap()).unwrap();
        let make = |seconds| {
            let life = Duration::from_secs(seconds);
            keys.make(settings.clone(), life, now).unwrap()
        };
        let made: Vec<String> = (0..200).map(|i| make(1_000 + i)).collect();
        let held = keys.0.lock().unwrap().len();
        assert!((50..150).contains(&held), "{held}");
        let has = |key: &String| keys.check(key, now).is_ok();
        assert_eq!(made.iter().position(has), Some(200 - held));
        assert!(made[200 - held..].iter().all(has));
    }
}
