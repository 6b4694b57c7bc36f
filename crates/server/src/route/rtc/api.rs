//! The API beside the signalling: ICE servers, the time, and the switches of tests.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Context, Extras, bearer, unauthorized};
use crate::turn::IceServers;

pub(crate) fn router(extras: Extras) -> Router<Context> {
    let router = Router::new()
        .route("/api/ice-servers", get(handle_ice_servers))
        .route("/api/time", get(handle_time));
    match extras {
        Extras::None => router,
        Extras::Demo => router.route("/api/rtc", get(handle_report).post(handle_switch)),
    }
}

/// Servers by which a peer is reached; their credentials are for whoever may open a link.
async fn handle_ice_servers(State(context): State<Context>, headers: HeaderMap) -> Response {
    match context.tokens.check(bearer(&headers)) {
        Ok(grant) => Json(IceServers::fresh(
            context.turn.as_deref(),
            grant.subject.name(),
        ))
        .into_response(),
        Err(error) => unauthorized(error),
    }
}

async fn handle_time() -> Json<Value> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Json(json!({ "ms": now.unwrap_or_default().as_millis() as u64 }))
}

async fn handle_report(State(context): State<Context>) -> Response {
    let Some(rtc) = &context.rtc else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut report = json!(rtc.report());
    report["sessions"] = context.hub.session_count().into();
    report["conversations"] = context.voices.count().into();
    Json(report).into_response()
}

/// What a test does to the endpoint.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Switch {
    /// Swallows datagrams both ways, or lets them pass again.
    Udp(Gate),
    /// Forgets all peers without a word.
    Kill(bool),
    /// Closes all peers.
    Close(bool),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Gate {
    Pass,
    Drop,
}

async fn handle_switch(
    State(context): State<Context>,
    body: Result<Json<Switch>, axum::extract::rejection::JsonRejection>,
) -> Response {
    let Some(rtc) = &context.rtc else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match body {
        Ok(Json(Switch::Udp(Gate::Pass))) => rtc.swallow(false),
        Ok(Json(Switch::Udp(Gate::Drop))) => rtc.swallow(true),
        Ok(Json(Switch::Kill(true))) => rtc.forget_all(),
        Ok(Json(Switch::Close(true))) => rtc.close_all(),
        Ok(Json(Switch::Kill(false) | Switch::Close(false))) => {}
        Err(rejection) => {
            let error = json!({ "error": rejection.body_text() });
            return (StatusCode::BAD_REQUEST, Json(error)).into_response();
        }
    }
    handle_report(State(context)).await
}
