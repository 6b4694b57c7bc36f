//! Static files: pages at `/`, the package at `/pkg/`.

use std::path::Path;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// Serves the folders that were named. Pages are isolated from other origins, which gives them the
/// fine clock (HTML §7.1.3); nothing is kept without asking again.
pub(crate) fn router(www: Option<&Path>, pkg: Option<&Path>) -> Router {
    let mut router = Router::new();
    if let Some(pkg) = pkg {
        router = router.nest_service("/pkg", ServeDir::new(pkg));
    }
    if let Some(www) = www {
        router = router.fallback_service(ServeDir::new(www));
    }
    let set =
        |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    router
        .layer(set(header::CACHE_CONTROL, "no-cache"))
        .layer(set(
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ))
        .layer(set(
            HeaderName::from_static("cross-origin-embedder-policy"),
            "require-corp",
        ))
        .layer(set(
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ))
}
