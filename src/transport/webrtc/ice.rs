//! ICE servers: found, read in every shape that providers answer with, kept while they are fresh.

use std::cell::RefCell;

use gloo_net::http::Request;
use js_sys::{Array, Date, Function, JSON, Object, Reflect};
use throughline_core::negotiation::sdp;
use wasm_bindgen::prelude::*;

use super::{Port, asked, signal};
use crate::guard::Limit;

/// Milliseconds that servers are kept which name no lifetime of their own.
const LIFETIME: f64 = 300_000.0;

/// Milliseconds before their end at which they are as good as expired.
const MARGIN: f64 = 60_000.0;

/// Where servers come from, and what came last.
pub(super) struct Ice {
    source: JsValue,
    known: RefCell<Option<Known>>,
}

#[derive(Clone)]
struct Known {
    servers: Array,
    /// By the wall clock, in milliseconds: a sleep counts.
    until: f64,
}

impl Ice {
    pub(super) fn new(source: JsValue) -> Self {
        Self {
            source,
            known: RefCell::new(None),
        }
    }

    /// The servers that are known and fresh; an empty list where none are asked for.
    pub(super) fn known(&self) -> Option<Array> {
        if self.source.is_undefined() {
            return Some(Array::new());
        }
        let known = self.known.borrow();
        let fresh = known.as_ref().filter(|known| known.until > Date::now());
        fresh.map(|known| known.servers.clone())
    }

    /// Finds the servers anew; dropping the future gives that up.
    ///
    /// # Errors
    ///
    /// The source failed, or what it gave holds no servers.
    pub(super) async fn find(&self, port: &Port, address: &str) -> Result<Array, JsValue> {
        let limit = Limit::new()?;
        let found = if let Some(function) = self.source.dyn_ref::<Function>() {
            let context = Object::new();
            Reflect::set(&context, &"signal".into(), &limit.signal())?;
            asked(function, &context).await?
        } else if let Some(url) = self.source.as_string() {
            fetch(port, &url, address, &limit).await?
        } else {
            self.source.clone()
        };
        let (servers, lifetime) = normalised(&found).ok_or_else(|| JsValue::from("no servers"))?;
        let until = match self.source.is_array() {
            true => f64::INFINITY,
            false => Date::now() + lifetime - MARGIN.min(lifetime / 2.0),
        };
        let kept = servers.clone();
        *self.known.borrow_mut() = Some(Known { servers, until });
        Ok(kept)
    }
}

/// The token goes along only to the host that answers offers.
async fn fetch(port: &Port, url: &str, address: &str, limit: &Limit) -> Result<JsValue, JsValue> {
    let mut init = signal::Init::new("GET", Some(&limit.signal()))?;
    let origin = |url: &str| web_sys::Url::new(url).map(|url| url.origin());
    let absolute = web_sys::Url::new_with_base(url, address)?;
    if absolute.origin() == origin(address)? {
        init.token(port)?;
    }
    let response = Request::from(init.request(&absolute.href())?).send().await;
    let response = response.map_err(|_| JsValue::from("not reached"))?;
    if !response.ok() {
        return Err(JsValue::from(response.status()));
    }
    let text = response.text().await.unwrap_or_default();
    JSON::parse(&text)
}

/// Reads servers and their lifetime in milliseconds: a list of them, one by itself, or either under
/// `iceServers` (Cloudflare), `ice_servers` (Twilio) or `v.iceServers` (Xirsys).
fn normalised(value: &JsValue) -> Option<(Array, f64)> {
    let inner = ["iceServers", "ice_servers"].map(|name| member(value, name));
    let inner = inner.into_iter().flatten().next();
    let nested = || {
        let v = member(value, "v")?;
        member(&v, "iceServers")
    };
    let list = inner.or_else(nested).unwrap_or_else(|| value.clone());
    let list = match list.dyn_ref::<Array>() {
        Some(list) => list.clone(),
        None => Array::of1(&list),
    };
    let servers = Array::new();
    for server in list.iter() {
        if let Some(server) = server_of(&server)? {
            servers.push(&server);
        }
    }
    Some((servers, lifetime(value).unwrap_or(LIFETIME)))
}

/// One server as the browser takes it: nothing if it is none, `Some(None)` if no address of it is of use.
fn server_of(value: &JsValue) -> Option<Option<JsValue>> {
    let urls = member(value, "urls").or_else(|| member(value, "url"))?;
    let urls = match urls.dyn_ref::<Array>() {
        Some(urls) => urls.clone(),
        None => Array::of1(&urls),
    };
    let kept = urls.iter().filter(|url| {
        url.as_string()
            .is_some_and(|url| url.contains(':') && !sdp::is_stalling(&url))
    });
    let kept: Array = kept.collect();
    if kept.length() == 0 {
        return (urls.length() > 0 && urls.every(&mut |url, _, _| url.is_string())).then_some(None);
    }
    let server = Object::new();
    for name in ["username", "credential"] {
        if let Some(value) = member(value, name) {
            Reflect::set(&server, &name.into(), &value).ok()?;
        }
    }
    Reflect::set(&server, &"urls".into(), &kept).ok()?;
    Some(Some(server.into()))
}

/// `ttl` in seconds, `lifetimeDuration` as `"86400s"`, `expires_at` as seconds, milliseconds or a date.
fn lifetime(value: &JsValue) -> Option<f64> {
    let spans = ["ttl", "lifetimeDuration"].map(|name| member(value, name));
    if let Some(span) = spans.into_iter().flatten().next() {
        let text = span.as_string();
        let seconds = match &text {
            Some(text) => text.trim_end_matches('s').parse().ok(),
            None => span.as_f64(),
        };
        return seconds.map(|seconds: f64| seconds * 1e3);
    }
    let ends = ["expires_at", "expiresAt"].map(|name| member(value, name));
    let end = ends.into_iter().flatten().next()?;
    let at = match end.as_f64() {
        Some(seconds) if seconds < 1e11 => seconds * 1e3,
        Some(ms) => ms,
        None => Date::parse(&end.as_string()?),
    };
    at.is_finite().then(|| (at - Date::now()).max(0.0))
}

/// A member that is there and says something.
pub(super) fn member(value: &JsValue, name: &str) -> Option<JsValue> {
    let found = Reflect::get(value, &name.into()).ok()?;
    (!found.is_undefined() && !found.is_null()).then_some(found)
}
