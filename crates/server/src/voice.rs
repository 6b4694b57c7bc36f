//! Sound: what peers say and hear, whatever carries it. Over WebRTC it goes in packets, on every
//! other transport in messages (annex D).

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use throughline_core::codec::{Body, Payload};
use throughline_core::server::LinkId;
use tokio::sync::mpsc::{self, Sender, UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;

use self::mouth::Rung;
use self::talk::{Order, Talk};
use crate::hub::{Hub, Peer, Reach};

pub(crate) use self::ear::Ear;
pub(crate) use self::g711::Law;
pub(crate) use self::prompts::samples as prompt;
pub(crate) use self::resample::Resampler;

mod ear;
mod g711;
mod mouth;
mod prompts;
mod resample;
mod talk;

/// Samples a second, in here and on the telephone's codecs.
pub(crate) const RATE: u32 = 8_000;

/// Samples in 20 ms.
pub(crate) const FRAME: usize = RATE as usize / 50;

/// Orders that wait for one conversation; sound beyond that is lost.
const ORDERS: usize = 256;

/// Rates of sound in messages (D11): a filter from any other may be as long as a second is.
const RATES: [u32; 6] = [8_000, 16_000, 24_000, 32_000, 44_100, 48_000];

/// The rate of a peer that has not said one.
const USUAL: u32 = 16_000;

/// Longest piece of sound in one message, in samples.
const LONGEST: usize = 48_000;

/// All conversations. Clones share them.
#[derive(Clone)]
pub(crate) struct Voices(Arc<Shared>);

struct Shared {
    hub: Hub,
    state: Mutex<State>,
    turns: UnboundedSender<Turn>,
}

#[derive(Default)]
struct State {
    lines: HashMap<LinkId, Line>,
    talks: HashMap<Peer, Entry>,
}

struct Entry {
    orders: Sender<Order>,
    /// Samples a second of what the peer sends in messages, once it has said so.
    rate: Option<u32>,
}

/// A way for sound in packets.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Takes 20 ms at a time.
    pub(crate) sound: Sender<Vec<i16>>,
    /// When the peer was last heard of, in whatever way.
    pub(crate) sign: watch::Receiver<Instant>,
}

/// A peer has spoken, and it is the application's turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) peer: Peer,
}

/// What is done with what is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    /// It ends the peer's turn, and stops a prompt.
    Interview,
    /// It goes back.
    Echo,
    /// A tone without end is said.
    Tone,
}

#[derive(Debug, Clone, Copy)]
struct Setting {
    mode: Mode,
    /// Samples a second of what is said in messages.
    rate: u32,
    /// Samples in a message, at [`RATE`].
    chunk: usize,
}

#[derive(Deserialize)]
struct Start {
    rate: u32,
}

#[derive(Deserialize)]
struct Interrupt {
    stream: u32,
}

#[derive(Deserialize)]
struct Sound {
    audio: String,
}

#[derive(Deserialize)]
struct Wanted {
    mode: Mode,
    rate: Option<u32>,
    #[serde(alias = "burstMs")]
    burst_ms: Option<usize>,
}

impl Voices {
    /// Returns them, and the stream of turns that end.
    pub(crate) fn new(hub: Hub) -> (Self, UnboundedReceiver<Turn>) {
        let (turns, ended) = mpsc::unbounded_channel();
        let shared = Shared {
            hub,
            state: Mutex::default(),
            turns,
        };
        (Self(Arc::new(shared)), ended)
    }

    /// Says a prompt, in place of any other.
    pub(crate) fn say(&self, peer: Peer, question: usize, text: &str) {
        let order = Order::Say {
            text: text.to_owned(),
            samples: prompts::samples(question),
        };
        self.order(peer, order);
    }

    /// Stops what is being said to the peer, if anything is.
    pub(crate) fn hush(&self, peer: Peer) {
        let state = self.locked();
        if let Some(entry) = state.talks.get(&peer) {
            // One that is too busy to hear it is told again by whatever comes next.
            let _ = entry.orders.try_send(Order::Hush);
        }
    }

    /// Handles a message about sound. False: it is none, or makes no sense.
    pub(crate) fn handle(&self, peer: Peer, body: &Body) -> bool {
        match &*body.kind {
            "audio:start" => {
                let Some(Start { rate }) = parse(body) else {
                    return false;
                };
                let is_rate = RATES.contains(&rate);
                if is_rate && let Some(entry) = self.enter(peer, &mut self.locked()) {
                    entry.rate = Some(rate);
                }
                is_rate
            }
            "audio" => {
                let Some(samples) = samples_of(body) else {
                    return false;
                };
                let rate = self.rate_of(peer).unwrap_or(USUAL);
                self.order(peer, Order::Heard { samples, rate });
                true
            }
            "audio:stop" => {
                self.order(peer, Order::Stopped);
                true
            }
            "audio:interrupt" => match parse(body) {
                Some(Interrupt { stream }) => {
                    self.order(peer, Order::Interrupted { stream });
                    true
                }
                None => false,
            },
            // The peer's own affair.
            "audio:dropped" => true,
            _ => false,
        }
    }

    /// Changes what is done with what is heard: for tests and measurements.
    pub(crate) fn set(&self, peer: Peer, body: &Body) -> bool {
        let Some(wanted) = parse::<Wanted>(body) else {
            return false;
        };
        let rate = wanted.rate.unwrap_or(RATE);
        if !RATES.contains(&rate) {
            return false;
        }
        let burst = wanted.burst_ms.unwrap_or(20).clamp(20, 500);
        let setting = Setting {
            mode: wanted.mode,
            rate,
            chunk: burst * RATE as usize / 1_000,
        };
        self.order(peer, Order::Set(setting));
        true
    }

    /// Whether the peer has said that it speaks.
    pub(crate) fn has_begun(&self, peer: Peer) -> bool {
        self.rate_of(peer).is_some()
    }

    /// How many conversations there are.
    pub(crate) fn count(&self) -> usize {
        self.locked().talks.len()
    }

    /// Forgets a peer that is gone.
    pub(crate) fn leave(&self, peer: Peer) {
        self.locked().talks.remove(&peer);
    }

    /// Takes a link's line into use.
    pub(crate) fn open_line(&self, link: LinkId, line: Line) {
        self.locked().lines.insert(link, line);
    }

    /// The line is gone with its link.
    pub(crate) fn close_line(&self, link: LinkId) {
        self.locked().lines.remove(&link);
    }

    /// Takes what came on a line. Only the line of the link that owns the session counts.
    pub(crate) fn hear(&self, link: LinkId, samples: Vec<i16>) {
        if let Some(peer) = self.0.hub.owned_by(link) {
            let rate = RATE;
            self.order(peer, Order::Heard { samples, rate });
        }
    }

    /// What carries sound to the peer now.
    fn rung(&self, peer: Peer) -> Rung {
        match self.0.hub.reach(peer) {
            Reach::Nowhere => Rung::None,
            Reach::Guest => Rung::Messages,
            Reach::Link(link) => match self.locked().lines.get(&link) {
                Some(line) => Rung::Line(link, line.clone()),
                None => Rung::Messages,
            },
        }
    }

    fn send_sound(&self, peer: Peer, samples: &[i16]) {
        let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        let body = match peer {
            Peer::Session(_) => Ok(Body::bytes("audio", bytes)),
            Peer::Guest(_) => Body::json("audio", &json!({ "audio": STANDARD.encode(bytes) })),
        };
        match body {
            Ok(body) => self.0.hub.send(peer, body),
            Err(error) => tracing::error!(%error, "sound has no JSON form"),
        }
    }

    fn rate_of(&self, peer: Peer) -> Option<u32> {
        self.locked().talks.get(&peer)?.rate
    }

    fn order(&self, peer: Peer, order: Order) {
        if let Some(entry) = self.enter(peer, &mut self.locked())
            && entry.orders.try_send(order).is_err()
        {
            tracing::debug!("sound came faster than it is heard");
        }
    }

    /// The peer's conversation, begun if need be. `None`: the peer is gone. Whoever goes while the
    /// lock is held is told to [`Self::leave`] after it.
    fn enter<'a>(&self, peer: Peer, state: &'a mut State) -> Option<&'a mut Entry> {
        match state.talks.entry(peer) {
            Occupied(entry) => Some(entry.into_mut()),
            Vacant(place) => self.0.hub.knows(peer).then(|| {
                let (orders, receiver) = mpsc::channel(ORDERS);
                tokio::spawn(Talk::new(self.clone(), peer, receiver).run());
                let rate = None;
                place.insert(Entry { orders, rate })
            }),
        }
    }

    /// A panic while the lock is held cannot leave the state half changed.
    fn locked(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// PCM16 as bytes, or as base64 where only JSON fits.
fn samples_of(body: &Body) -> Option<Vec<i16>> {
    let decoded;
    let bytes: &[u8] = match &body.payload {
        Payload::Bytes(bytes) => bytes,
        Payload::Json(_) => {
            decoded = STANDARD.decode(parse::<Sound>(body)?.audio).ok()?;
            &decoded
        }
    };
    if !bytes.len().is_multiple_of(2) || bytes.len() / 2 > LONGEST {
        return None;
    }
    let samples = bytes.chunks_exact(2);
    let samples = samples.map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
    Some(samples.collect())
}

fn parse<T: for<'a> Deserialize<'a>>(body: &Body) -> Option<T> {
    match &body.payload {
        Payload::Json(json) => serde_json::from_str(json.get()).ok(),
        Payload::Bytes(_) => None,
    }
}

impl fmt::Debug for Voices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Voices").finish_non_exhaustive()
    }
}
