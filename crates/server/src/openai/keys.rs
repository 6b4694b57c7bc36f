//! Keys that a client may have: each opens sessions with the settings it was made with.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::event::Problem;
use super::settings::Settings;

/// What a client's key begins with.
const EPHEMERAL: &str = "ek_";

/// Most keys at a time; the one that ends first goes.
const MOST: usize = 10_000;

#[derive(Default)]
pub(super) struct Keys(Mutex<HashMap<String, Key>>);

struct Key {
    until: Instant,
    settings: Settings,
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
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|_, key| key.until > now);
        if keys.len() >= MOST {
            let first = keys.iter().min_by_key(|(_, key)| key.until);
            if let Some(first) = first.map(|(name, _)| name.clone()) {
                keys.remove(&first);
            }
        }
        let until = now + life;
        keys.insert(name.clone(), Key { until, settings });
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
}
