//! Which pages may talk to the server (P6.2, WHATWG Fetch §3.3).

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The origins that are allowed, beside the server's own.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    named: Arc<[String]>,
    loopback: Loopback,
}

/// Whether pages of this machine are allowed, whatever their port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Loopback {
    /// They are as foreign as any other.
    #[default]
    Foreign,
    /// They are allowed: for development and tests.
    Allowed,
}

impl Origins {
    /// Allows the origins `named`, such as `https://app.example`.
    #[must_use]
    pub fn new(named: &[String], loopback: Loopback) -> Self {
        let named = named
            .iter()
            .map(|origin| origin.trim_end_matches('/').to_owned());
        Self {
            named: named.collect(),
            loopback,
        }
    }

    /// Whether a request with this `Origin` may go on. One without comes from no page.
    #[must_use]
    pub fn allows(&self, origin: &HeaderValue, headers: &HeaderMap) -> bool {
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        let own = authority.is_some() && authority == host;
        own || self.named.iter().any(|named| named == origin)
            || (self.loopback == Loopback::Allowed && authority.is_some_and(is_loopback))
    }

    /// Puts everything behind the check, what is not found too: an answer that a page cannot read
    /// tells it nothing.
    pub(crate) fn guard(&self, router: Router) -> Router {
        router
            .layer(self.cors())
            .layer(middleware::from_fn_with_state(self.clone(), guard))
    }

    /// The layer that answers preflights and marks answers as readable.
    fn cors(&self) -> CorsLayer {
        let origins = self.clone();
        CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(move |origin, parts| {
                origins.allows(origin, &parts.headers)
            }))
            .allow_methods([
                Method::GET,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                header::IF_MATCH,
                LAST_EVENT_ID,
            ])
            .expose_headers([
                header::RETRY_AFTER,
                header::LOCATION,
                header::ETAG,
                header::LINK,
            ])
            .max_age(std::time::Duration::from_secs(600))
    }
}

/// Refuses what comes from a page of an origin that is not allowed.
async fn guard(State(origins): State<Origins>, request: Request, next: Next) -> Response {
    match request.headers().get(header::ORIGIN) {
        Some(origin) if !origins.allows(origin, request.headers()) => {
            tracing::debug!(?origin, "origin refused");
            (StatusCode::FORBIDDEN, "this origin is not allowed").into_response()
        }
        Some(_) | None => {
            let mut response = next.run(request).await;
            // Pages under `require-corp` may load what they may read.
            response
                .headers_mut()
                .entry(RESOURCE_POLICY)
                .or_insert(HeaderValue::from_static("cross-origin"));
            response
        }
    }
}

fn is_loopback(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<Authority>() else {
        return false;
    };
    matches!(authority.host(), "127.0.0.1" | "localhost" | "[::1]")
}

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(origins: &Origins, origin: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("api.example:8787"));
        origins.allows(&HeaderValue::from_static(origin), &headers)
    }

    #[test]
    fn the_servers_own_origin_is_allowed() {
        let origins = Origins::default();
        assert!(allows(&origins, "https://api.example:8787"));
        assert!(!allows(&origins, "https://api.example"));
        assert!(!allows(&origins, "https://evil.example"));
        assert!(!allows(&origins, "null"));
    }

    #[test]
    fn a_named_origin_is_allowed_and_its_neighbours_are_not() {
        let origins = Origins::new(&["https://app.example/".into()], Loopback::Foreign);
        assert!(allows(&origins, "https://app.example"));
        assert!(!allows(&origins, "http://app.example"));
        assert!(!allows(&origins, "https://app.example.evil.example"));
        assert!(!allows(&origins, "http://127.0.0.1:3000"));
    }

    #[test]
    fn loopback_is_the_host_and_not_a_prefix_of_it() {
        let origins = Origins::new(&[], Loopback::Allowed);
        assert!(allows(&origins, "http://127.0.0.1:3000"));
        assert!(allows(&origins, "http://localhost"));
        assert!(!allows(&origins, "http://127.0.0.1.evil.example"));
        assert!(!allows(&origins, "http://localhost.evil.example"));
    }
}
