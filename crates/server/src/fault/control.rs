//! The control API: the faults as JSON over HTTP, open to pages of any origin.

use std::fmt::Display;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::board::{Faults, LogEntry};
use super::class::Class;
use super::rule::Fault;

impl Faults {
    /// Returns the control API as a router, to serve on its own or to nest under a path.
    ///
    /// `GET|PUT|POST|DELETE /faults`, `POST /faults/cut`, `GET /connections` and
    /// `GET|DELETE /log`; bad input is answered 400 with `{"error": …}`.
    pub fn router(&self) -> Router {
        Router::new()
            .route(
                "/faults",
                get(handle_show)
                    .put(handle_set)
                    .post(handle_add)
                    .delete(handle_clear),
            )
            .route("/faults/cut", post(handle_cut))
            .route("/connections", get(handle_connections))
            .route("/log", get(handle_log).delete(handle_clear_log))
            .method_not_allowed_fallback(async || {
                Refusal(StatusCode::METHOD_NOT_ALLOWED, "no such method here".into())
            })
            .fallback(async || Refusal(StatusCode::NOT_FOUND, "no such page here".into()))
            .layer(middleware::from_fn(allow_any_origin))
            .with_state(self.clone())
    }
}

async fn handle_show(State(faults): State<Faults>) -> Json<Value> {
    show(&faults)
}

async fn handle_set(
    State(faults): State<Faults>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Refusal> {
    let rules = parse::<Rules>(body)?.rules;
    check_count(rules.len())?;
    faults.set(rules);
    Ok(show(&faults))
}

async fn handle_add(
    State(faults): State<Faults>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Refusal> {
    let body: Value = parse(body)?;
    let added = if body.get("rules").is_some() {
        serde_json::from_value::<Rules>(body).map(|body| body.rules)
    } else {
        serde_json::from_value::<Fault>(body).map(|fault| vec![fault])
    };
    let added = added.map_err(Refusal::bad)?;
    check_count(faults.rules().len() + added.len())?;
    faults.add(added);
    Ok(show(&faults))
}

async fn handle_clear(State(faults): State<Faults>) -> Json<Value> {
    faults.clear();
    show(&faults)
}

async fn handle_cut(
    State(faults): State<Faults>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Refusal> {
    let cut = faults.cut(&parse::<Cut>(body)?.on);
    Ok(Json(json!({ "cut": cut })))
}

async fn handle_connections(State(faults): State<Faults>) -> Json<Value> {
    Json(json!(faults.connections()))
}

async fn handle_log(
    State(faults): State<Faults>,
    query: Result<Query<Since>, QueryRejection>,
) -> Result<Json<Vec<LogEntry>>, Refusal> {
    let Query(Since { since }) = query.map_err(|reason| Refusal::bad(reason.body_text()))?;
    Ok(Json(faults.log_since(since)))
}

async fn handle_clear_log(State(faults): State<Faults>) -> StatusCode {
    faults.clear_log();
    StatusCode::NO_CONTENT
}

/// Answers preflights and lets any page read the answers (Fetch §3.3).
async fn allow_any_origin(request: Request, next: Next) -> Response {
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (
            header::ACCESS_CONTROL_ALLOW_METHODS,
            "GET, PUT, POST, DELETE",
        ),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    rules: Vec<Fault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cut {
    on: Vec<Class>,
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

fn show(faults: &Faults) -> Json<Value> {
    Json(json!({ "rules": *faults.rules(), "connections": faults.connections() }))
}

fn parse<T: serde::de::DeserializeOwned>(
    body: Result<Bytes, BytesRejection>,
) -> Result<T, Refusal> {
    let body = body.map_err(|reason| Refusal::bad(reason.body_text()))?;
    serde_json::from_slice(&body).map_err(Refusal::bad)
}

fn check_count(rules: usize) -> Result<(), Refusal> {
    if rules > MAX_RULES {
        return Err(Refusal::bad(format_args!("more than {MAX_RULES} rules")));
    }
    Ok(())
}

/// An answer `{"error": reason}`.
struct Refusal(StatusCode, String);

impl Refusal {
    fn bad(reason: impl Display) -> Self {
        Self(StatusCode::BAD_REQUEST, reason.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, reason) = self;
        (status, Json(json!({ "error": reason }))).into_response()
    }
}

const MAX_RULES: usize = 64;
