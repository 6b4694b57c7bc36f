//! How offers become answers: WHIP (RFC 9725), a bare POST, JSON, or a function of the application's.

use gloo_net::http::{Request, Response};
use throughline_core::Cause;
use throughline_core::negotiation::Refusal;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::AbortSignal;

use super::Port;
use crate::guard::Limit;

/// How offers are exchanged for answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A POST makes a resource, a PATCH changes it, a DELETE ends it.
    Whip,
    /// A POST of the offer, bare or in JSON.
    Post,
    /// A function of the application's.
    Custom,
}

impl Dialect {
    pub(super) fn of(port: &Port) -> Self {
        match port.signaling() {
            0 => Self::Whip,
            3 => Self::Custom,
            _ => Self::Post,
        }
    }
}

/// What came of an offer.
pub(super) struct Answer {
    pub(super) sdp: String,
    pub(super) resource: Option<Resource>,
    /// The header `Link`, which may name ICE servers.
    pub(super) link: Option<String>,
}

/// What the server holds for this connection.
#[derive(Clone)]
pub(super) struct Resource {
    address: String,
    pub(super) etag: Option<String>,
}

/// What a PATCH brought: a fragment, empty after candidates, and the new entity tag.
pub(super) struct Patch {
    pub(super) fragment: String,
    pub(super) etag: Option<String>,
}

/// Why there is no answer, and what the server said.
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    pub(super) told: JsValue,
}

impl Refused {
    pub(super) fn of(cause: Cause, told: JsValue) -> Self {
        let refusal = Refusal {
            cause,
            status: 0,
            retry_after: None,
        };
        Self { refusal, told }
    }
}

/// Exchanges the offer, or the offer of a restart, for an answer.
pub(super) async fn offer(port: &Port, offer: &str, reason: &str) -> Result<Answer, Refused> {
    let limit = Limit::new().map_err(|error| Refused::of(Cause::Unavailable, error))?;
    if Dialect::of(port) == Dialect::Custom {
        let asked = port.exchange(offer, reason, &limit.signal());
        let failed = |error| Refused::of(Cause::Endpoint, error);
        let sdp = answer_in(port, &JsFuture::from(asked).await.map_err(failed)?)?;
        return Ok(Answer {
            sdp,
            resource: None,
            link: None,
        });
    }
    let response = send(port, "POST", None, None, offer, &limit.signal()).await?;
    let headers = response.headers();
    let sdp = answer_in(port, &text_of(&response).await?.into())?;
    let location = headers.get("Location");
    let address = location.filter(|_| Dialect::of(port) == Dialect::Whip);
    let resource = address.map(|address| Resource {
        address,
        etag: headers.get("ETag"),
    });
    Ok(Answer {
        sdp,
        resource,
        link: headers.get("Link"),
    })
}

/// Sends candidates, or a restart's credentials, as a fragment.
pub(super) async fn patch(
    port: &Port,
    resource: &Resource,
    fragment: &str,
    etag: Option<&str>,
) -> Result<Patch, Refused> {
    let limit = Limit::new().map_err(|error| Refused::of(Cause::Unavailable, error))?;
    let address = Some(resource.address.as_str());
    let response = send(port, "PATCH", address, etag, fragment, &limit.signal()).await?;
    Ok(Patch {
        fragment: text_of(&response).await?,
        etag: response.headers().get("ETag"),
    })
}

/// Tells the server that the connection is over, even while the page goes.
pub(super) fn delete(port: &Port, resource: &Resource) {
    if let Ok(request) = port.request("DELETE", Some(&resource.address), None, None, None) {
        // Where it does not arrive, silence tells the server as much.
        spawn_local(async move { drop(Request::from(request).send().await) });
    }
}

async fn send(
    port: &Port,
    method: &str,
    address: Option<&str>,
    etag: Option<&str>,
    body: &str,
    signal: &AbortSignal,
) -> Result<Response, Refused> {
    let request = port.request(method, address, etag, Some(body), Some(signal));
    let request = request.map_err(|error| Refused::of(Cause::BadAddress, error))?;
    let Ok(response) = Request::from(request).send().await else {
        return Err(Refused::of(Cause::Refused, JsValue::UNDEFINED));
    };
    if response.ok() {
        return Ok(response);
    }
    let retry_after = response.headers().get("Retry-After");
    let refusal = Refusal {
        cause: Cause::Status,
        status: response.status(),
        retry_after: retry_after.and_then(|value| wait(&value)),
    };
    let told = response.text().await.unwrap_or_default().into();
    Err(Refused { refusal, told })
}

async fn text_of(response: &Response) -> Result<String, Refused> {
    let text = response.text().await;
    text.map_err(|_| Refused::of(Cause::Refused, JsValue::UNDEFINED))
}

fn answer_in(port: &Port, told: &JsValue) -> Result<String, Refused> {
    let answer = port.answer(told);
    answer.ok_or_else(|| Refused::of(Cause::Protocol, told.clone()))
}

/// Milliseconds of `Retry-After`: seconds, or a date (RFC 9110 §10.2.3).
fn wait(value: &str) -> Option<u64> {
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(seconds.saturating_mul(1_000));
    }
    let ms = js_sys::Date::parse(value) - js_sys::Date::now();
    (ms >= 0.0).then_some(ms as u64)
}
