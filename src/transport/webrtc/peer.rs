//! One peer connection: what happens to it, told to the negotiation one by one, and what that asks for.

use js_sys::{Array, Object, Promise, Reflect};
use throughline_core::negotiation::{
    Ended, Exchange, Gathering, Input, Milestone, Negotiation, Output, Reach, Refusal, Spans, sdp,
};
use throughline_core::{Cause, Millis};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{RtcDataChannel, RtcPeerConnection, RtcRtpTransceiver};

use super::signal::{self, Answer, Dialect, Patch, Refused, Resource};
use super::{Port, member};
use crate::guard::{Alarm, Limit, Listener, Queue, Task};

/// Milliseconds in which the channel empties and closes before the connection does.
const LINGER: u64 = 500;

#[wasm_bindgen]
extern "C" {
    /// What `web-sys` has no name for, or lets throw.
    #[wasm_bindgen(extends = RtcPeerConnection)]
    #[derive(Clone)]
    pub(super) type Pc;
    #[wasm_bindgen(method, catch, js_name = addTransceiver)]
    fn add_transceiver(this: &Pc, kind: &str) -> Result<RtcRtpTransceiver, JsValue>;
    #[wasm_bindgen(method, catch, js_name = createDataChannel)]
    fn create_data_channel(
        this: &Pc,
        label: &str,
        options: &JsValue,
    ) -> Result<RtcDataChannel, JsValue>;
    #[wasm_bindgen(method, js_name = createOffer)]
    fn create_offer(this: &Pc, options: &JsValue) -> Promise;
    #[wasm_bindgen(method, js_name = setLocalDescription)]
    fn set_local(this: &Pc, description: &JsValue) -> Promise;
    #[wasm_bindgen(method, js_name = setRemoteDescription)]
    fn set_remote(this: &Pc, description: &JsValue) -> Promise;
    #[wasm_bindgen(method, getter, js_name = connectionState)]
    fn state(this: &Pc) -> String;
}

/// What an exchange is for.
#[derive(Clone, Copy)]
enum Purpose {
    Offer,
    Restart,
}

/// What happens to a peer connection.
pub(super) enum Event {
    Input(Input<String>),
    Servers(Result<Array, JsValue>),
    Answer(Exchange, Result<Answer, Refused>),
    Patched(Exchange, Result<Patch, Refused>),
    /// What a server of ICE's said: address and code.
    Rejected(String, u16),
    /// The channel has closed.
    Closed,
    Close,
    /// The page goes.
    Leave,
}

/// Drives one negotiation.
pub(super) struct Actor {
    port: Port,
    negotiation: Negotiation<String>,
    events: Queue<Event>,
    alarm: Alarm,
    servers: Array,
    /// There is none before the offer is made.
    made: Option<Made>,
    resource: Option<Resource>,
    answer: String,
    told: JsValue,
    turn: Turn,
    parting: Parting,
    /// What the browser, and what the network is asked for: a later question takes the place of the earlier.
    browser: Option<Task>,
    network: Option<Task>,
}

/// Whether there is time for last words.
#[derive(PartialEq, Eq)]
enum Parting {
    Gentle,
    Abrupt,
}

/// What is known of the relays.
enum Turn {
    Silent,
    /// One could not be reached, perhaps by one of several ways.
    Unreached(String, u16),
    /// It needs no more telling.
    Told,
}

struct Made {
    pc: Pc,
    channel: RtcDataChannel,
    listeners: Vec<Listener>,
}

/// Runs a connection to its end, and leaves nothing of it behind.
pub(super) async fn run(mut actor: Actor) {
    let queue = actor.events.clone();
    loop {
        let Some(input) = actor.input(queue.next().await) else {
            continue;
        };
        let Some(input) = input else {
            break;
        };
        actor.negotiation.handle(input, actor.now());
        while let Some(output) = actor.negotiation.poll() {
            actor.perform(output);
        }
        let now = actor.now();
        actor
            .alarm
            .set(actor.negotiation.poll_timeout().map(|due| due - now));
    }
    actor.close().await;
}

impl Actor {
    pub(super) fn new(port: Port, events: Queue<Event>) -> Self {
        let ring = events.clone();
        let alarm = Alarm::new(move || ring.push(Event::Input(Input::Timeout)));
        let gathering = if port.wait() {
            Gathering::Bounded
        } else {
            Gathering::Trickle
        };
        Self {
            port,
            negotiation: Negotiation::new(gathering, Spans::default()),
            events,
            alarm,
            servers: Array::new(),
            made: None,
            resource: None,
            answer: String::new(),
            told: JsValue::UNDEFINED,
            turn: Turn::Silent,
            parting: Parting::Gentle,
            browser: None,
            network: None,
        }
    }

    fn now(&self) -> Millis {
        Millis(self.port.now() as u64)
    }

    /// Keeps what an event brought and says what it is to the negotiation: an input, nothing, or the end.
    fn input(&mut self, event: Event) -> Option<Option<Input<String>>> {
        Some(Some(match event {
            Event::Input(input) => {
                self.judge_relays(&input);
                input
            }
            Event::Servers(found) => {
                match found {
                    Ok(servers) => self.servers = servers,
                    Err(error) => self.port.warn("ice_servers", &error),
                }
                Input::Servers
            }
            Event::Answer(exchange, Ok(answer)) => {
                self.answer = answer.sdp;
                self.resource = answer.resource.or(self.resource.take());
                if let Some(link) = answer.link {
                    self.port.servers(&link);
                }
                Input::Answered(exchange)
            }
            Event::Patched(exchange, Ok(Patch { fragment, etag })) => {
                if let Some(resource) = &mut self.resource {
                    resource.etag = etag.or(resource.etag.take());
                }
                if !fragment.is_empty() {
                    // A fragment without credentials leaves an answer that the browser refuses.
                    self.answer = sdp::renewed(&self.answer, &fragment).unwrap_or_default();
                }
                Input::Answered(exchange)
            }
            Event::Answer(exchange, Err(refused)) | Event::Patched(exchange, Err(refused)) => {
                self.told = refused.told;
                Input::Refused(exchange, refused.refusal)
            }
            Event::Rejected(url, code) => {
                self.rejected(url, code);
                return None;
            }
            Event::Closed => Input::Gone,
            Event::Close => return Some(None),
            Event::Leave => {
                self.parting = Parting::Abrupt;
                Input::Gone
            }
        }))
    }

    fn perform(&mut self, output: Output<String>) {
        match output {
            Output::FindServers => self.find_servers(),
            Output::Describe => self.describe(),
            Output::Redescribe => self.redescribe(),
            Output::SendOffer(exchange) => self.exchange(exchange, Purpose::Offer),
            Output::SendRestart(exchange) => self.restart(exchange),
            Output::SendCandidates(exchange, candidates) => self.trickle(exchange, &candidates),
            Output::Abort => self.network = None,
            Output::Apply(exchange) => self.apply(exchange),
            Output::Rollback => {
                self.browser = None;
                if let Some(Made { pc, .. }) = &self.made {
                    let undone = pc.set_local(&description("rollback", ""));
                    // Where there is nothing to take back, that is well.
                    spawn_local(async move { drop(JsFuture::from(undone).await) });
                }
            }
            Output::Report(milestone) => self.port.report(match milestone {
                Milestone::Offered => 0,
                Milestone::Answered => 1,
                Milestone::Opened => 2,
                Milestone::Mended => 3,
            }),
            Output::End(Ended { phase, refusal }) => {
                let Refusal {
                    cause,
                    status,
                    retry_after,
                } = refusal;
                let wait = retry_after.map_or(-1.0, |ms| ms as f64);
                self.port
                    .ended(phase as u8, cause as u8, status, wait, &self.told);
                self.events.push(Event::Close);
            }
        }
    }

    fn find_servers(&mut self) {
        if let Some(known) = self.port.known() {
            return self.events.push(Event::Servers(Ok(known)));
        }
        let (port, events) = (self.port.clone(), self.events.clone());
        self.network = Some(Task::new(Box::pin(async move {
            events.push(Event::Servers(found(&port).await));
        })));
    }

    fn describe(&mut self) {
        self.network = None;
        match self.make() {
            Ok(made) => {
                let pc = made.pc.clone();
                self.made = Some(made);
                self.ask(async move { offer(&pc, JsValue::UNDEFINED).await });
            }
            Err(error) => {
                self.told = error;
                self.events.push(Event::Input(Input::Undescribed));
            }
        }
    }

    fn make(&self) -> Result<Made, JsValue> {
        let port = &self.port;
        let make = |servers: &Array| {
            RtcPeerConnection::new_with_configuration(&port.configuration(servers))
        };
        let pc = make(&self.servers).or_else(|error| {
            // What an application or its provider names may be no server at all.
            port.warn("ice_servers", &error);
            make(&Array::new())
        });
        let pc: Pc = pc?.unchecked_into();
        // Without a track: a microphone that comes later replaces nothing but that.
        let sender = pc.add_transceiver("audio")?.sender();
        let channel = pc.create_data_channel(&port.label(), &port.channel())?;
        let listeners = self.listeners(&pc, &channel);
        port.made(&pc, &channel, &sender);
        Ok(Made {
            pc,
            channel,
            listeners,
        })
    }

    fn listeners(&self, pc: &Pc, channel: &RtcDataChannel) -> Vec<Listener> {
        let on = |target: &web_sys::EventTarget, name, told: fn(JsValue) -> Option<Event>| {
            let events = self.events.clone();
            Listener::new(target, name, move |event| {
                if let Some(event) = told(event) {
                    events.push(event);
                }
            })
        };
        let (watched, events, port) = (pc.clone(), self.events.clone(), self.port.clone());
        let state = Listener::new(pc, "connectionstatechange", move |_| {
            if matches!(watched.state().as_str(), "failed" | "closed") {
                events.push(Event::Input(Input::Gone));
            }
        });
        let mut listeners = vec![
            on(pc, "icecandidate", candidate),
            on(pc, "icecandidateerror", rejection),
            on(channel, "open", opened),
            on(channel, "close", |_| Some(Event::Closed)),
            Listener::new(pc, "track", move |event| port.remote(&event)),
            state,
        ];
        if let Some(page) = js_sys::global().dyn_ref::<web_sys::EventTarget>() {
            // A page that goes, even for a while, takes its connections with it.
            listeners.push(on(page, "pagehide", |_| Some(Event::Leave)));
        }
        listeners
    }

    /// With fresh servers, where the old ones expire.
    fn redescribe(&mut self) {
        let mends = Dialect::of(&self.port) != Dialect::Post;
        let Some(pc) = self.made.as_ref().filter(|_| mends) else {
            return self.events.push(Event::Input(Input::Undescribed));
        };
        let (pc, port) = (pc.pc.clone(), self.port.clone());
        self.ask(async move {
            if port.known().is_none() {
                match found(&port).await {
                    Ok(servers) => {
                        let configuration = port.configuration(&servers);
                        pc.set_configuration_with_configuration(&configuration)?;
                    }
                    Err(error) => port.warn("ice_servers", &error),
                }
            }
            let options = Object::new();
            Reflect::set(&options, &"iceRestart".into(), &JsValue::TRUE)?;
            offer(&pc, options.into()).await
        });
    }

    /// Asks the browser for a local description.
    fn ask(&mut self, description: impl Future<Output = Result<(), JsValue>> + 'static) {
        let events = self.events.clone();
        self.browser = Some(Task::new(Box::pin(async move {
            let input = match description.await {
                Ok(()) => Input::Described,
                Err(_) => Input::Undescribed,
            };
            events.push(Event::Input(input));
        })));
    }

    fn local(&self) -> String {
        let made = self.made.as_ref();
        let local = made.and_then(|made| made.pc.local_description());
        local.map(|local| local.sdp()).unwrap_or_default()
    }

    fn exchange(&mut self, exchange: Exchange, purpose: Purpose) {
        let (port, events, offer) = (self.port.clone(), self.events.clone(), self.local());
        let reason = match purpose {
            Purpose::Offer => "offer",
            Purpose::Restart => "restart",
        };
        self.network = Some(Task::new(Box::pin(async move {
            let answer = signal::offer(&port, &offer, reason).await;
            events.push(Event::Answer(exchange, answer));
        })));
    }

    fn restart(&mut self, exchange: Exchange) {
        match Dialect::of(&self.port) {
            Dialect::Custom => self.exchange(exchange, Purpose::Restart),
            Dialect::Whip => self.patch(exchange, &[], Some("*".into())),
            Dialect::Post => {}
        }
    }

    fn trickle(&mut self, exchange: Exchange, candidates: &[String]) {
        let etag = self.resource.as_ref().and_then(|held| held.etag.clone());
        self.patch(exchange, candidates, etag);
    }

    fn patch(&mut self, exchange: Exchange, candidates: &[String], etag: Option<String>) {
        let fragment = sdp::fragment(&self.local(), candidates);
        let (Some(resource), Some(fragment)) = (self.resource.clone(), fragment) else {
            let refused = Refused::of(Cause::Unavailable, JsValue::UNDEFINED);
            return self.events.push(Event::Patched(exchange, Err(refused)));
        };
        let (port, events) = (self.port.clone(), self.events.clone());
        self.network = Some(Task::new(Box::pin(async move {
            let patched = signal::patch(&port, &resource, &fragment, etag.as_deref()).await;
            events.push(Event::Patched(exchange, patched));
        })));
    }

    fn apply(&mut self, exchange: Exchange) {
        let Some(Made { pc, .. }) = &self.made else {
            return;
        };
        let applied = pc.set_remote(&description("answer", &self.answer));
        let events = self.events.clone();
        self.browser = Some(Task::new(Box::pin(async move {
            let input = match JsFuture::from(applied).await {
                Ok(_) => Input::Applied(exchange),
                Err(_) => Input::Unapplied(exchange),
            };
            events.push(Event::Input(input));
        })));
    }

    /// What a relay refuses is told once; that one is not reached, only if no other is.
    fn rejected(&mut self, url: String, code: u16) {
        if !url.starts_with("turn") {
            return;
        }
        match (&self.turn, code) {
            (Turn::Told, _) | (Turn::Unreached(..), 701) => {}
            (Turn::Silent, 701) => self.turn = Turn::Unreached(url, code),
            (Turn::Silent | Turn::Unreached(..), _) => self.tell_relay(&url, code),
        }
    }

    fn judge_relays(&mut self, input: &Input<String>) {
        match input {
            Input::Candidate(Reach::Beyond, candidate) if has(candidate, " typ relay") => {
                self.turn = Turn::Told;
            }
            Input::Gathered => {
                if let Turn::Unreached(url, code) = std::mem::replace(&mut self.turn, Turn::Silent)
                {
                    self.tell_relay(&url, code);
                }
            }
            _ => {}
        }
    }

    fn tell_relay(&mut self, url: &str, code: u16) {
        self.turn = Turn::Told;
        let details = Array::of2(&url.into(), &code.into());
        self.port.warn("turn_rejected", &details);
    }

    /// Own work first, then what the browser holds, then the server's.
    async fn close(mut self) {
        self.network = None;
        self.browser = None;
        if let Some(Made {
            pc,
            channel,
            listeners,
        }) = self.made.take()
        {
            let open = member(&channel, "readyState") == Some("open".into());
            channel.close();
            if open && self.parting == Parting::Gentle {
                let events = self.events.clone();
                self.alarm = Alarm::new(move || events.push(Event::Closed));
                self.alarm.set(Some(LINGER));
                // What was written last arrives before the connection is cut.
                while !matches!(self.events.next().await, Event::Closed | Event::Leave) {}
            }
            drop(listeners);
            pc.close();
        }
        if let Some(resource) = &self.resource {
            signal::delete(&self.port, resource);
        }
    }
}

/// ICE servers found anew.
async fn found(port: &Port) -> Result<Array, JsValue> {
    let limit = Limit::new()?;
    let servers = JsFuture::from(port.find(&limit.signal())).await?;
    Ok(servers.unchecked_into())
}

/// Makes an offer the local description.
async fn offer(pc: &Pc, options: JsValue) -> Result<(), JsValue> {
    let offer = JsFuture::from(pc.create_offer(&options)).await?;
    JsFuture::from(pc.set_local(&offer)).await.map(drop)
}

fn description(kind: &str, sdp: &str) -> JsValue {
    let description = Object::new();
    for (name, value) in [("type", kind), ("sdp", sdp)] {
        // Fails on no object.
        let _ = Reflect::set(&description, &name.into(), &value.into());
    }
    description.into()
}

fn candidate(event: JsValue) -> Option<Event> {
    let input = match member(&event, "candidate") {
        None => Input::Gathered,
        Some(candidate) => {
            let line = member(&candidate, "candidate")?.as_string()?;
            match line.as_str() {
                // The end of one generation: the end of all is told without a candidate.
                "" => return None,
                line if has(line, " typ host") => Input::Candidate(Reach::Host, line.into()),
                line => Input::Candidate(Reach::Beyond, line.into()),
            }
        }
    };
    Some(Event::Input(input))
}

/// A channel without an id is open by name alone (WebKit).
fn opened(event: JsValue) -> Option<Event> {
    let channel = member(&event, "target")?;
    let input = match member(&channel, "id") {
        Some(_) => Input::ChannelOpen,
        None => Input::Gone,
    };
    Some(Event::Input(input))
}

fn rejection(event: JsValue) -> Option<Event> {
    let url = member(&event, "url")?.as_string()?;
    let code = member(&event, "errorCode")?.as_f64()?;
    Some(Event::Rejected(url, code as u16))
}

/// `str::contains` for short texts, at a tenth of its size.
fn has(text: &str, part: &str) -> bool {
    text.as_bytes()
        .windows(part.len())
        .any(|window| window == part.as_bytes())
}
