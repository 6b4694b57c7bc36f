//! Tokens: a subject and an expiry, signed with HMAC-SHA256. They are short-lived, and are never
//! logged.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use throughline_core::codec::Secret;
use throughline_core::server::Subject;

/// What a token says: `base64url(claims) "." base64url(mac)`.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    /// Whom it speaks for.
    sub: String,
    /// When it expires, in milliseconds since 1970.
    exp: u64,
}

/// What a good token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whom it speaks for.
    pub subject: Subject,
    /// When it expires, if it does.
    pub expires: Option<Expiry>,
}

/// A moment in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry(pub u64);

impl Expiry {
    /// How long it is until then; nothing if it has passed.
    #[must_use]
    pub fn left(self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(now_ms()))
    }
}

impl Grant {
    fn endless(subject: &str) -> Self {
        Self {
            subject: Subject::from(subject),
            expires: None,
        }
    }
}

/// Mints and checks tokens.
#[derive(Clone)]
pub struct Tokens {
    key: Vec<u8>,
    policy: TokenPolicy,
}

/// Who may come without a signed token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenPolicy {
    /// Nobody.
    Required,
    /// Everybody, as the subject `anonymous`; a token that is sent must be good.
    Optional,
    /// As `Optional`, and `dev-NAME` speaks for NAME.
    Development,
}

/// Why a token is not good. All of them are 401 (P5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// None was sent, and one is required.
    Missing,
    /// It is not a token of this server.
    Invalid,
    /// Its time is over.
    Expired,
}

impl Tokens {
    /// Makes the tokens of `secret`; of a random one if there is none, so that no token outlives
    /// the process.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it has no randomness to give.
    pub fn new(secret: Option<&Secret>, policy: TokenPolicy) -> Result<Self, getrandom::Error> {
        let key = match secret {
            Some(secret) => secret.expose().as_bytes().to_vec(),
            None => {
                let mut key = vec![0; 32];
                getrandom::fill(&mut key)?;
                key
            }
        };
        Ok(Self { key, policy })
    }

    /// Mints a token for `subject` that expires in `life`.
    #[must_use]
    pub fn mint(&self, subject: &str, life: Duration) -> Secret {
        let exp = now_ms().saturating_add(u64::try_from(life.as_millis()).unwrap_or(u64::MAX));
        let claims = serde_json::json!({ "sub": subject, "exp": exp }).to_string();
        let claims = URL_SAFE_NO_PAD.encode(claims);
        let mac = URL_SAFE_NO_PAD.encode(self.mac(&claims).finalize().into_bytes());
        Secret::new(format!("{claims}.{mac}"))
    }

    /// Says whom a token speaks for, and how long.
    ///
    /// # Errors
    ///
    /// Returns why it is refused; the caller answers 401 or 4401.
    pub fn check(&self, token: Option<&str>) -> Result<Grant, TokenError> {
        match (token, self.policy) {
            (None, TokenPolicy::Required) => Err(TokenError::Missing),
            (None, TokenPolicy::Optional | TokenPolicy::Development) => {
                Ok(Grant::endless("anonymous"))
            }
            (Some(token), TokenPolicy::Development) if token.starts_with("dev-") => {
                Ok(Grant::endless(token))
            }
            (Some(token), _) => self.verify(token),
        }
    }

    fn verify(&self, token: &str) -> Result<Grant, TokenError> {
        let (claims, mac) = token.split_once('.').ok_or(TokenError::Invalid)?;
        let mac = URL_SAFE_NO_PAD
            .decode(mac)
            .map_err(|_| TokenError::Invalid)?;
        self.mac(claims)
            .verify_slice(&mac)
            .map_err(|_| TokenError::Invalid)?;
        let claims = URL_SAFE_NO_PAD
            .decode(claims)
            .map_err(|_| TokenError::Invalid)?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| TokenError::Invalid)?;
        if claims.exp <= now_ms() {
            return Err(TokenError::Expired);
        }
        Ok(Grant {
            subject: Subject::from(claims.sub.as_str()),
            expires: Some(Expiry(claims.exp)),
        })
    }

    fn mac(&self, claims: &str) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(claims.as_bytes());
        mac
    }
}

/// Shows the policy alone.
impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "a token is required",
            Self::Invalid => "the token is not valid",
            Self::Expired => "the token has expired",
        })
    }
}

impl std::error::Error for TokenError {}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn tokens(secret: &str, policy: TokenPolicy) -> Tokens {
        Tokens::new(Some(&Secret::new(secret)), policy).unwrap()
    }

    #[test]
    fn a_minted_token_names_its_subject() {
        let tokens = tokens("s", TokenPolicy::Required);
        let token = tokens.mint("ann \"é\"", HOUR);
        let grant = tokens.check(Some(token.expose())).unwrap();
        assert_eq!(grant.subject, Subject::from("ann \"é\""));
        let left = grant.expires.unwrap().left();
        assert!(left <= HOUR && left > HOUR / 2, "{left:?}");
    }

    #[test]
    fn an_expired_token_is_refused() {
        let tokens = tokens("s", TokenPolicy::Required);
        let token = tokens.mint("ann", Duration::ZERO);
        assert_eq!(tokens.check(Some(token.expose())), Err(TokenError::Expired));
    }

    #[test]
    fn a_token_changed_anywhere_is_refused() {
        let tokens = tokens("s", TokenPolicy::Development);
        let token = tokens.mint("ann", HOUR);
        for i in 0..token.expose().len() {
            let mut forged = token.expose().to_owned().into_bytes();
            forged[i] = if forged[i] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(
                tokens.check(Some(&forged)),
                Err(TokenError::Invalid),
                "at {i}"
            );
        }
    }

    #[test]
    fn a_token_of_another_secret_is_refused() {
        let token = tokens("s", TokenPolicy::Required).mint("ann", HOUR);
        let checked = tokens("t", TokenPolicy::Required).check(Some(token.expose()));
        assert_eq!(checked, Err(TokenError::Invalid));
    }

    #[test]
    fn who_may_come_without_a_signed_token_is_the_policy() {
        use TokenPolicy::{Development, Optional, Required};
        assert_eq!(tokens("s", Required).check(None), Err(TokenError::Missing));
        assert_eq!(
            tokens("s", Optional).check(None),
            Ok(Grant::endless("anonymous"))
        );
        assert_eq!(
            tokens("s", Optional).check(Some("dev-ann")),
            Err(TokenError::Invalid)
        );
        assert_eq!(
            tokens("s", Development).check(Some("dev-ann")),
            Ok(Grant::endless("dev-ann"))
        );
    }

    #[test]
    fn tokens_show_no_key() {
        let shown = format!("{:?}", tokens("sesame", TokenPolicy::Required));
        assert!(
            !shown.contains("sesame") && !shown.contains("115"),
            "{shown}"
        );
    }
}
