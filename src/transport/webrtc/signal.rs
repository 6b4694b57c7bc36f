//! How offers become answers: WHIP (RFC 9725), a bare POST, JSON, or a function of the application's.

use gloo_net::http::{Request, Response};
use js_sys::{JSON, Object, Reflect};
use serde::Deserialize;
use throughline_core::Cause;
use throughline_core::negotiation::Refusal;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortSignal, RequestInit};

use super::ice::member;
use super::{Options, Port};
use crate::guard::Limit;

/// Characters of a refusal that are kept for the page, which shortens them once they are redacted.
const EXCERPT: usize = 4_096;

/// How offers are exchanged for answers.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Dialect {
    /// A POST makes a resource, a PATCH changes it, a DELETE ends it.
    Whip,
    /// A POST of the offer.
    Sdp,
    /// A POST of JSON that has the offer in it.
    Json,
    /// A function of the application's.
    Custom,
}

impl Dialect {
    /// Whether an ICE restart has a way to the server.
    pub(super) const fn mends(self) -> bool {
        matches!(self, Self::Whip | Self::Custom)
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

/// Why there is no answer, and what the server said.
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    pub(super) told: JsValue,
}

impl Refused {
    fn of(cause: Cause, told: impl Into<JsValue>) -> Self {
        let refusal = Refusal {
            cause,
            status: 0,
            retry_after: None,
        };
        Self {
            refusal,
            told: told.into(),
        }
    }
}

/// One signalling of a connection.
#[derive(Clone)]
pub(super) struct Signal {
    pub(super) port: Port,
    pub(super) options: std::rc::Rc<Options>,
    pub(super) address: String,
}

impl Signal {
    /// Exchanges the offer, or the offer of a restart, for an answer.
    pub(super) async fn offer(&self, offer: &str, reason: &str) -> Result<Answer, Refused> {
        let limit = Limit::new().map_err(|error| Refused::of(Cause::Unavailable, error))?;
        let kind = match self.options.signaling {
            Dialect::Custom => return self.custom(offer, reason, &limit).await,
            Dialect::Whip | Dialect::Sdp => "application/sdp",
            Dialect::Json => "application/json",
        };
        let body = match self.options.signaling {
            Dialect::Json => self.port.body(offer),
            Dialect::Whip | Dialect::Sdp | Dialect::Custom => offer.into(),
        };
        let headers = [
            ("Content-Type", kind),
            ("Accept", "application/sdp, application/json"),
        ];
        let response = self
            .send("POST", &self.address, &headers, Some(&body), &limit)
            .await?;
        let location = response.headers().get("Location");
        let etag = response.headers().get("ETag");
        let link = response.headers().get("Link");
        let base = response.url();
        let text = text_of(&response).await?;
        let sdp = answer_in(&text)?;
        let address = location.filter(|_| self.options.signaling == Dialect::Whip);
        let address =
            address.and_then(|location| web_sys::Url::new_with_base(&location, &base).ok());
        let resource = address.map(|address| Resource {
            address: address.href(),
            etag,
        });
        Ok(Answer {
            sdp,
            resource,
            link,
        })
    }

    /// Sends candidates, or a restart's credentials (`If-Match: *`), as a fragment. Returns the
    /// answer's fragment, empty after candidates, and the new entity tag.
    pub(super) async fn patch(
        &self,
        resource: &Resource,
        fragment: &str,
        etag: Option<&str>,
    ) -> Result<(String, Option<String>), Refused> {
        let limit = Limit::new().map_err(|error| Refused::of(Cause::Unavailable, error))?;
        let kind = ("Content-Type", "application/trickle-ice-sdpfrag");
        let both = [kind, ("If-Match", etag.unwrap_or_default())];
        let headers = if etag.is_some() {
            &both[..]
        } else {
            &both[..1]
        };
        let response = self
            .send("PATCH", &resource.address, headers, Some(fragment), &limit)
            .await?;
        let etag = response.headers().get("ETag");
        Ok((text_of(&response).await?, etag))
    }

    /// Tells the server that the connection is over, even while the page goes.
    pub(super) fn delete(&self, resource: &Resource) {
        let request = (|| {
            let mut init = Init::new("DELETE", None)?;
            init.token(&self.port)?;
            Reflect::set(
                &init.0,
                &"credentials".into(),
                &self.options.credentials.as_str().into(),
            )?;
            Reflect::set(&init.0, &"keepalive".into(), &JsValue::TRUE)?;
            init.request(&resource.address)
        })();
        if let Ok(request) = request {
            let sent = Request::from(request).send();
            // Where it does not arrive, silence tells the server as much.
            spawn_local(async move { drop(sent.await) });
        }
    }

    async fn custom(&self, offer: &str, reason: &str, limit: &Limit) -> Result<Answer, Refused> {
        let asked = self.port.exchange(offer, reason, &limit.signal());
        let failed = |error| Refused::of(Cause::Endpoint, error);
        let value = JsFuture::from(asked).await.map_err(failed)?;
        let sdp = match value.as_string() {
            Some(text) => answer_in(&text)?,
            None => sdp_in(&value).ok_or_else(|| Refused::of(Cause::Protocol, "no sdp"))?,
        };
        Ok(Answer {
            sdp,
            resource: None,
            link: None,
        })
    }

    async fn send(
        &self,
        method: &str,
        address: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
        limit: &Limit,
    ) -> Result<Response, Refused> {
        let request = (|| {
            let mut init = Init::new(method, Some(&limit.signal()))?;
            init.token(&self.port)?;
            for (name, value) in headers {
                init.header(name, value)?;
            }
            Reflect::set(
                &init.0,
                &"credentials".into(),
                &self.options.credentials.as_str().into(),
            )?;
            body.inspect(|body| init.0.set_body(&(*body).into()));
            init.request(address)
        })();
        let request = request.map_err(|error| Refused::of(Cause::BadAddress, error))?;
        let sent = Request::from(request).send().await;
        let response = sent.map_err(|_| Refused::of(Cause::Refused, JsValue::UNDEFINED))?;
        if response.ok() {
            return Ok(response);
        }
        let retry_after = response.headers().get("Retry-After");
        let refusal = Refusal {
            cause: Cause::Status,
            status: response.status(),
            retry_after: retry_after.and_then(|value| wait(&value)),
        };
        let told = excerpt(&response.text().await.unwrap_or_default());
        Err(Refused { refusal, told })
    }
}

/// A request that is being put together; nothing in it can throw past its `Result`.
pub(super) struct Init(RequestInit, Object);

impl Init {
    pub(super) fn new(method: &str, signal: Option<&AbortSignal>) -> Result<Self, JsValue> {
        let (init, headers) = (RequestInit::new(), Object::new());
        init.set_method(method);
        init.set_signal(signal);
        init.set_headers(&headers);
        Reflect::set(&init, &"cache".into(), &"no-store".into())?;
        Ok(Self(init, headers))
    }

    pub(super) fn header(&mut self, name: &str, value: &str) -> Result<(), JsValue> {
        Reflect::set(&self.1, &name.into(), &value.into()).map(drop)
    }

    pub(super) fn token(&mut self, port: &Port) -> Result<(), JsValue> {
        match port.token() {
            Some(token) => self.header("Authorization", &["Bearer ", &token].concat()),
            None => Ok(()),
        }
    }

    pub(super) fn request(&self, address: &str) -> Result<web_sys::Request, JsValue> {
        web_sys::Request::new_with_str_and_init(address, &self.0)
    }
}

async fn text_of(response: &Response) -> Result<String, Refused> {
    let text = response.text().await;
    text.map_err(|_| Refused::of(Cause::Refused, JsValue::UNDEFINED))
}

/// Finds the answer in what came, whatever its content type said.
fn answer_in(text: &str) -> Result<String, Refused> {
    if text.trim_start().starts_with("v=0") {
        return Ok(text.trim_start().into());
    }
    let value = JSON::parse(text).unwrap_or_default();
    let nothing = || Refused::of(Cause::Protocol, excerpt(text));
    sdp_in(&value).ok_or_else(nothing)
}

fn sdp_in(value: &JsValue) -> Option<String> {
    let nested = ["answer", "transport"].map(|name| member(value, name));
    let texts = nested
        .into_iter()
        .flatten()
        .flat_map(|inner| [member(&inner, "sdp"), Some(inner)]);
    let mut texts = [member(value, "sdp"), Some(value.clone())]
        .into_iter()
        .chain(texts)
        .flatten();
    texts.find_map(|text| {
        text.as_string()
            .filter(|text| text.trim_start().starts_with("v=0"))
    })
}

/// The start of what the server said, cut at a character.
fn excerpt(text: &str) -> JsValue {
    let mut end = text.len().min(EXCERPT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().into()
}

/// Milliseconds of `Retry-After`: seconds, or a date (RFC 9110 §10.2.3).
fn wait(value: &str) -> Option<u64> {
    match value.parse::<u64>() {
        Ok(seconds) => Some(seconds.saturating_mul(1_000)),
        Err(_) => {
            let ms = js_sys::Date::parse(value) - js_sys::Date::now();
            (ms >= 0.0).then_some(ms as u64)
        }
    }
}
