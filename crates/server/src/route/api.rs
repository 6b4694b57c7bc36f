//! The API beside the transports: health, tokens for the demo, and the console's test button.

use std::time::Duration;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Extras};

/// Longest and usual life of a token for the demo.
const LIFE: Duration = Duration::from_secs(3_600);
const USUAL_LIFE: Duration = Duration::from_secs(60);

pub(super) fn router(extras: Extras) -> Router<Context> {
    let router = Router::new().route("/api/health", get(handle_health));
    match extras {
        Extras::None => router,
        Extras::Demo => router
            .route("/api/token", post(handle_token))
            .route("/api/debug/emit-comment", post(handle_comment)),
    }
}

async fn handle_health(State(context): State<Context>) -> Json<Value> {
    let draining = context.hub.is_draining();
    Json(json!({
        "status": if draining { "draining" } else { "ok" },
        "version": env!("CARGO_PKG_VERSION"),
        "sessions": context.hub.session_count(),
        "links": context.hub.link_count(),
        "keptBytes": context.hub.memory().total(),
        "waitingBytes": context.hub.waiting_bytes(),
        "uptimeMs": u64::try_from(context.hub.uptime().as_millis()).unwrap_or(u64::MAX),
    }))
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct TokenRequest {
    subject: Option<String>,
    life_ms: Option<u64>,
}

async fn handle_token(
    State(context): State<Context>,
    body: Result<Json<TokenRequest>, JsonRejection>,
) -> Response {
    let request = match body {
        Ok(Json(request)) => request,
        Err(JsonRejection::MissingJsonContentType(_)) => TokenRequest::default(),
        Err(rejection) => return refuse(&rejection),
    };
    let life = request
        .life_ms
        .map_or(USUAL_LIFE, Duration::from_millis)
        .min(LIFE);
    let token = context
        .tokens
        .mint(request.subject.as_deref().unwrap_or("guest"), life);
    Json(json!({ "token": token.expose(), "expiresInMs": life.as_millis() as u64 })).into_response()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommentRequest {
    show_id: Option<String>,
    text: String,
    author: Option<String>,
}

async fn handle_comment(
    State(context): State<Context>,
    body: Result<Json<CommentRequest>, JsonRejection>,
) -> Response {
    let request = match body {
        Ok(Json(request)) => request,
        Err(rejection) => return refuse(&rejection),
    };
    let show = request.show_id.as_deref().unwrap_or(crate::app::DEMO_SHOW);
    let author = request.author.as_deref().unwrap_or("operator");
    let delivered = context.feed.emit_comment(show, author, &request.text);
    Json(json!({ "showId": show, "delivered": delivered })).into_response()
}

fn refuse(rejection: &JsonRejection) -> Response {
    let status = match rejection.status() {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        status => status,
    };
    (status, Json(json!({ "error": rejection.body_text() }))).into_response()
}
