//! Keys, offers and WebSockets, under `/openai/v1/realtime`. By the names of before, keys come with
//! `sessions` too, and offers may go where WebSockets do.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use throughline_core::Nonce;

use super::event::{Names, Order, Problem};
use super::keys::Right;
use super::response::Carrier;
use super::settings::Settings;
use super::{Realtime, call, socket, unix_now};
use crate::webrtc::{Full, Refusal};

/// The model that is meant where none is said.
const MODEL: &str = "gpt-realtime";

/// The largest body that is read, and how long it may take.
const LARGEST: usize = 256 << 10;
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Seconds that a key may be good for.
const LIVES: std::ops::RangeInclusive<u64> = 10..=7_200;

/// Subprotocols of a WebSocket: what is spoken, the key of a page, and what was spoken before.
const SPOKEN: &str = "realtime";
const KEY: &str = "openai-insecure-api-key.";
const BETA: &str = "openai-beta.realtime-v1";

/// What calls are named by.
const CALL: &str = "rtc_";

pub(crate) fn router(realtime: Realtime) -> Router {
    let router = Router::new()
        .route("/openai/v1/realtime", get(handle_socket))
        .route("/openai/v1/realtime/client_secrets", post(handle_secret))
        .route("/openai/v1/realtime/calls", post(handle_call))
        .route(
            "/openai/v1/realtime/calls/{name}/hangup",
            post(handle_hangup),
        );
    let router = match realtime.0.config.names {
        Names::Ga => router,
        Names::Older => router
            .route("/openai/v1/realtime", post(handle_call))
            .route("/openai/v1/realtime/sessions", post(handle_session)),
    };
    router.with_state(realtime)
}

#[derive(Debug, Deserialize)]
struct Wish {
    model: Option<String>,
}

/// How a key is asked for and told.
#[derive(Debug, Clone, Copy)]
enum Mint {
    /// As the secret of a client, for the session that is within.
    Secret,
    /// As a session, which has a secret: as it was before.
    Session,
}

async fn handle_secret(
    State(realtime): State<Realtime>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let made = make_key(&realtime, Mint::Secret, &headers, body).await;
    made.unwrap_or_else(|refusal| *refusal)
}

async fn handle_session(
    State(realtime): State<Realtime>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let made = make_key(&realtime, Mint::Session, &headers, body).await;
    made.unwrap_or_else(|refusal| *refusal)
}

/// Makes a key for a client.
async fn make_key(
    realtime: &Realtime,
    mint: Mint,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Box<Response>> {
    match admit(realtime, headers)? {
        Right::Account => {}
        Right::Client(_) => {
            let problem = Problem::new("invalid_api_key", "A client secret makes no other.");
            return Err(Box::new(refuse(StatusCode::UNAUTHORIZED, &problem)));
        }
    }
    let text = read(body).await?;
    let (settings, life) = wanted(realtime, mint, &text)
        .map_err(|problem| Box::new(refuse(StatusCode::BAD_REQUEST, &problem)))?;
    let mut session = settings.to_json().clone();
    let made = realtime.0.keys.make(settings, life, Instant::now());
    let key = made.map_err(|error| Box::new(out_of_entropy(error)))?;
    let expires = unix_now() + life.as_secs();
    let told = match mint {
        Mint::Secret => json!({ "value": key, "expires_at": expires, "session": session }),
        Mint::Session => {
            session["client_secret"] = json!({ "value": key, "expires_at": expires });
            session
        }
    };
    Ok(Json(told).into_response())
}

/// The settings and the life of the key that is asked for.
fn wanted(realtime: &Realtime, mint: Mint, text: &str) -> Result<(Settings, Duration), Problem> {
    let text = if text.is_empty() { "{}" } else { text };
    let Ok(Value::Object(members)) = serde_json::from_str(text) else {
        return Err(Problem::new("invalid_json", "The body is no JSON object."));
    };
    let order = Order {
        kind: String::new(),
        members,
    };
    let life = match order.members.get("expires_after") {
        None => realtime.0.config.key_life,
        Some(after) => match after["seconds"].as_u64() {
            Some(seconds) if LIVES.contains(&seconds) => Duration::from_secs(seconds),
            Some(_) | None => {
                let wanted = "an integer from 10 to 7200";
                return Err(Problem::wrong_value("expires_after.seconds", wanted));
            }
        },
    };
    let mut settings = Settings::new(realtime.0.config.names, MODEL);
    match mint {
        Mint::Secret if order.members.contains_key("session") => {
            settings.update(order.object("session")?)?;
        }
        Mint::Secret => {}
        Mint::Session => settings.update(&order.members)?,
    }
    Ok((settings, life))
}

/// Answers an offer with a session.
async fn handle_call(
    State(realtime): State<Realtime>,
    ConnectInfo(remote): ConnectInfo<SocketAddr>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let right = match admit(&realtime, &headers) {
        Ok(right) => right,
        Err(refusal) => return *refusal,
    };
    let Some(endpoint) = &realtime.0.rtc else {
        let problem = Problem::new("not_found", "There is no WebRTC here.");
        return refuse(StatusCode::NOT_FOUND, &problem);
    };
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/sdp") {
        let message = "Unsupported content type: expected 'application/sdp'.";
        let problem = Problem::new("unsupported_content_type", message);
        return refuse(StatusCode::BAD_REQUEST, &problem);
    }
    let offer = match read(body).await {
        Ok(offer) => offer,
        Err(refusal) => return *refusal,
    };
    let settings = settings_for(&realtime, right, wish);
    let opening = match realtime.opening(Carrier::Packets, settings) {
        Ok(opening) => opening,
        Err(error) => return out_of_entropy(error),
    };
    match endpoint.answer(&offer, remote.ip()) {
        Ok(answered) => {
            let name = answered.name.to_hex();
            tokio::spawn(call::run(answered.call, opening));
            let headers = [
                (header::CONTENT_TYPE, "application/sdp".to_owned()),
                (
                    header::LOCATION,
                    format!("/openai/v1/realtime/calls/{CALL}{name}"),
                ),
            ];
            (StatusCode::CREATED, headers, answered.answer).into_response()
        }
        Err(refusal) => {
            let (status, code) = match refusal {
                Refusal::Bad(_) => (StatusCode::BAD_REQUEST, "invalid_offer"),
                Refusal::Full(Full::Server) => (StatusCode::SERVICE_UNAVAILABLE, "server_full"),
                Refusal::Full(Full::Address) => {
                    (StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded")
                }
                Refusal::Full(Full::Entropy(error)) => return out_of_entropy(error),
            };
            refuse(status, &Problem::new(code, refusal.to_string()))
        }
    }
}

/// Ends a call.
async fn handle_hangup(
    State(realtime): State<Realtime>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Err(refusal) = admit(&realtime, &headers) {
        return *refusal;
    }
    let name = name.strip_prefix(CALL).and_then(Nonce::from_hex);
    match (&realtime.0.rtc, name) {
        (Some(endpoint), Some(name)) if endpoint.close(name) => StatusCode::OK.into_response(),
        (Some(_) | None, _) => {
            let problem = Problem::new("call_id_not_found", "There is no such call.");
            refuse(StatusCode::NOT_FOUND, &problem)
        }
    }
}

/// Takes a WebSocket: of a page, whose key is a subprotocol, or of a backend.
async fn handle_socket(
    State(realtime): State<Realtime>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let spoken = protocols(&headers);
    let key = spoken.iter().find_map(|it| it.strip_prefix(KEY));
    let right = match key {
        Some(key) => realtime.0.keys.check(key, Instant::now()),
        None => match admit(&realtime, &headers) {
            Ok(right) => Ok(right),
            Err(refusal) => return *refusal,
        },
    };
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade
            .protocols([SPOKEN])
            .read_buffer_size(8 << 10)
            .max_message_size(socket::LARGEST)
            .max_frame_size(socket::LARGEST),
        Err(rejection) => return rejection.into_response(),
    };
    let right = match (right, realtime.0.config.names) {
        (Ok(_), Names::Ga) if spoken.contains(&BETA) => Err(no_beta()),
        (right, Names::Ga | Names::Older) => right,
    };
    let right = match right {
        Ok(right) => right,
        Err(problem) => return upgrade.on_upgrade(|socket| socket::refuse(socket, problem)),
    };
    let Ok(seat) = realtime.0.sockets.clone().try_acquire_owned() else {
        let problem = Problem::new("server_full", "There are too many sessions.");
        return refuse(StatusCode::SERVICE_UNAVAILABLE, &problem);
    };
    let settings = settings_for(&realtime, right, wish);
    match realtime.opening(Carrier::Messages, settings) {
        Ok(opening) => upgrade.on_upgrade(|socket| socket::run(socket, opening, seat)),
        Err(error) => out_of_entropy(error),
    }
}

/// What a session begins with: what its key was made with, or what is usual.
fn settings_for(realtime: &Realtime, right: Right, wish: Wish) -> Settings {
    match right {
        Right::Client(settings) => settings,
        Right::Account => {
            let model = wish.model.as_deref().unwrap_or(MODEL);
            Settings::new(realtime.0.config.names, model)
        }
    }
}

/// Who asks, by the header.
fn admit(realtime: &Realtime, headers: &HeaderMap) -> Result<Right, Box<Response>> {
    let beta = headers.get("openai-beta").is_some();
    if beta && realtime.0.config.names == Names::Ga {
        return Err(Box::new(refuse(StatusCode::BAD_REQUEST, &no_beta())));
    }
    let value = headers.get(header::AUTHORIZATION);
    let value = value.and_then(|value| value.to_str().ok());
    let (scheme, key) = value
        .and_then(|value| value.split_once(' '))
        .unwrap_or_default();
    let key = match scheme.eq_ignore_ascii_case("bearer") {
        true => key.trim(),
        false => "",
    };
    let checked = realtime.0.keys.check(key, Instant::now());
    checked.map_err(|problem| Box::new(refuse(StatusCode::UNAUTHORIZED, &problem)))
}

/// The subprotocols that a client speaks.
fn protocols(headers: &HeaderMap) -> Vec<&str> {
    let lists = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let lists = lists.filter_map(|list| list.to_str().ok());
    lists
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .collect()
}

async fn read(body: Body) -> Result<String, Box<Response>> {
    let refuse = |status, code, why| Err(Box::new(refuse(status, &Problem::new(code, why))));
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, LARGEST)).await {
        Ok(Ok(bytes)) => match String::from_utf8(bytes.into()) {
            Ok(text) => Ok(text),
            Err(_) => refuse(
                StatusCode::BAD_REQUEST,
                "invalid_body",
                "The body is no text.",
            ),
        },
        Ok(Err(_)) => refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "The body is larger than 256 KiB, or cut short.",
        ),
        Err(_) => refuse(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "The body took too long.",
        ),
    }
}

fn no_beta() -> Problem {
    let message =
        "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API.";
    Problem::new("beta_api_shape_disabled", message)
}

fn out_of_entropy(error: getrandom::Error) -> Response {
    tracing::error!(%error, "no randomness");
    let problem = Problem::new("server_error", "The server has no randomness.");
    refuse(StatusCode::INTERNAL_SERVER_ERROR, &problem)
}

fn refuse(status: StatusCode, problem: &Problem) -> Response {
    let body: Map<String, Value> = [("error".to_owned(), problem.to_json())]
        .into_iter()
        .collect();
    (status, Json(body)).into_response()
}
