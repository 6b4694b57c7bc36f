//! The microphone: one flow that owns the stream, whatever asks for it, takes it away or breaks it.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use futures::StreamExt;
use futures::channel::{mpsc, oneshot};
use futures::future::{Either, select};
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};

use super::watch::{Change, Watch};

#[wasm_bindgen]
extern "C" {
    /// The page's side: `Devices` of pkg/js/voice/devices.js.
    pub type Page;

    /// Asks the browser for a microphone: a device by its id, or any for an empty one.
    #[wasm_bindgen(method)]
    fn ask(this: &Page, device: &str) -> Stream;

    /// Lets sound come in from this stream instead of any other.
    #[wasm_bindgen(method)]
    fn take(this: &Page, stream: &Stream);

    /// Tells the application where the microphone stands.
    #[wasm_bindgen(method)]
    fn tell(this: &Page, state: u8);

    /// Tells the application that the microphone was lost.
    #[wasm_bindgen(method)]
    fn lost(this: &Page, cause: &JsValue);

    /// Milliseconds of the page's clock.
    #[wasm_bindgen(method)]
    fn now(this: &Page) -> f64;

    /// What a start or a switch comes to that something later undid.
    #[wasm_bindgen(method)]
    fn aborted(this: &Page) -> JsValue;

    /// Whether a second stream would end the first (WebKit).
    #[wasm_bindgen(method, getter)]
    fn single(this: &Page) -> bool;

    /// A stream that was asked for.
    type Stream;

    #[wasm_bindgen(method, getter)]
    fn ready(this: &Stream) -> Promise;

    /// Stops what came of it, or will.
    #[wasm_bindgen(method)]
    fn release(this: &Stream);

    /// Why there is no stream.
    type Failure;

    #[wasm_bindgen(method, getter)]
    fn code(this: &Failure) -> String;
}

/// A stream from when it is asked for: the browser's answer may come after nobody wants it any more.
struct Held(Stream);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// Who waits for the microphone.
type Reply = oneshot::Sender<Result<JsValue, JsValue>>;

enum Event {
    Start { device: String, reply: Reply },
    Switch { device: String, reply: Reply },
    Stop(Reply),
    Ended,
    Watched(Change),
}

/// Where the microphone stands, as the page is told.
#[derive(Clone, Copy)]
enum Told {
    Off,
    Asking,
    On,
    Silent,
}

/// Why a stream is asked for.
#[derive(Clone, Copy)]
enum Why {
    Wanted,
    Broken,
    Silent,
}

/// A question the browser has not answered.
struct Asking {
    held: Held,
    device: String,
    /// What goes on until the new one is there.
    old: Option<Held>,
    why: Why,
    waiting: Vec<Reply>,
}

enum Phase {
    Off,
    Asking(Asking),
    On { held: Held, device: String },
}

/// The microphone of a session. Freed, it lets go of its device.
#[wasm_bindgen]
pub struct Microphone {
    events: mpsc::UnboundedSender<Event>,
    watch: Rc<RefCell<Watch>>,
}

#[wasm_bindgen]
impl Microphone {
    /// Makes one that is off.
    #[wasm_bindgen(constructor)]
    pub fn new(page: Page) -> Self {
        let (events, incoming) = mpsc::unbounded();
        let watch = Rc::new(RefCell::new(Watch::new(0.0)));
        spawn_local(run(page, incoming, watch.clone()));
        Self { events, watch }
    }

    /// Turns it on: resolves once sound comes in, rejects with why it cannot, or with `aborted` once it was stopped.
    pub fn start(&self, device: String) -> Promise {
        self.send(|reply| Event::Start { device, reply })
    }

    /// Goes over to another device; the one before stays if that one cannot be had.
    pub fn switch(&self, device: String) -> Promise {
        self.send(|reply| Event::Switch { device, reply })
    }

    /// Turns it off: a stream that comes later is stopped at once.
    pub fn stop(&self) -> Promise {
        self.send(Event::Stop)
    }

    /// The track has ended, or its device is gone.
    pub fn ended(&self) {
        self.tell(Event::Ended);
    }

    /// A frame's level came at `now`; below 0, time passed. A microphone that is muted is not to be called silent: its level is 1.
    pub fn heard(&self, level: f32, now: f64) {
        let level = (level >= 0.0).then_some(level);
        let change = self.watch.borrow_mut().turn(level, now);
        if let Some(change) = change {
            self.tell(Event::Watched(change));
        }
    }

    fn send(&self, event: impl FnOnce(Reply) -> Event) -> Promise {
        let (reply, replied) = oneshot::channel();
        self.tell(event(reply));
        future_to_promise(async { replied.await.unwrap_or(Ok(JsValue::UNDEFINED)) })
    }

    fn tell(&self, event: Event) {
        // Nobody hears it only once the flow is over.
        let _ = self.events.unbounded_send(event);
    }
}

type Events = mpsc::UnboundedReceiver<Event>;

async fn run(page: Page, mut events: Events, watch: Rc<RefCell<Watch>>) {
    let mut phase = Phase::Off;
    loop {
        let event = match phase {
            Phase::Off | Phase::On { .. } => events.next().await,
            Phase::Asking(asking) => {
                let answer = JsFuture::from(asking.held.0.ready());
                match select(answer, events.next()).await {
                    Either::Left((answer, _)) => {
                        phase = answered(&page, asking, answer, &watch);
                        continue;
                    }
                    Either::Right((event, _)) => {
                        phase = Phase::Asking(asking);
                        event
                    }
                }
            }
        };
        let Some(event) = event else { return };
        phase = turn(&page, phase, event);
    }
}

fn turn(page: &Page, phase: Phase, event: Event) -> Phase {
    match (event, phase) {
        (Event::Stop(reply), phase) => {
            settle(release(phase), &Err(page.aborted()));
            settle([reply], &Ok(JsValue::UNDEFINED));
            page.tell(Told::Off as u8);
            Phase::Off
        }
        (Event::Start { device, reply }, Phase::Off) => {
            page.tell(Told::Asking as u8);
            ask(page, device, None, Why::Wanted, [reply].into())
        }
        (Event::Switch { reply, .. }, Phase::Off) => {
            settle([reply], &Ok(JsValue::UNDEFINED));
            Phase::Off
        }
        (
            Event::Start {
                device: wanted,
                reply,
            },
            Phase::On { held, device },
        ) if wanted.is_empty() || wanted == device => {
            settle([reply], &Ok(JsValue::UNDEFINED));
            Phase::On { held, device }
        }
        (
            Event::Start { device, reply } | Event::Switch { device, reply },
            Phase::On { held, .. },
        ) => ask(page, device, Some(held), Why::Wanted, [reply].into()),
        (
            Event::Start {
                device: wanted,
                reply,
            },
            Phase::Asking(mut asking),
        ) if wanted.is_empty() || wanted == asking.device => {
            asking.waiting.push(reply);
            Phase::Asking(asking)
        }
        (
            Event::Start { device, reply } | Event::Switch { device, reply },
            Phase::Asking(Asking {
                old, mut waiting, ..
            }),
        ) => {
            waiting.push(reply);
            ask(page, device, old, Why::Wanted, waiting)
        }
        (Event::Ended, Phase::On { held, .. }) => {
            drop(held);
            page.tell(Told::Asking as u8);
            ask(page, String::new(), None, Why::Broken, Vec::new())
        }
        (Event::Watched(Change::Silent), Phase::On { held, device }) => {
            page.tell(Told::Silent as u8);
            ask(page, device, Some(held), Why::Silent, Vec::new())
        }
        (Event::Watched(Change::Heard), phase @ Phase::On { .. }) => {
            page.tell(Told::On as u8);
            phase
        }
        // What is being replaced has nothing more to say.
        (Event::Ended | Event::Watched(_), phase @ (Phase::Off | Phase::Asking(_))) => phase,
    }
}

/// Lets go of what there is and returns who still waits for it.
fn release(phase: Phase) -> Vec<Reply> {
    match phase {
        Phase::Asking(Asking { waiting, .. }) => waiting,
        Phase::Off | Phase::On { .. } => Vec::new(),
    }
}

/// Asks the browser; where two streams cannot be, the old one goes first.
fn ask(page: &Page, device: String, old: Option<Held>, why: Why, waiting: Vec<Reply>) -> Phase {
    let old = old.filter(|_| !page.single());
    let held = Held(page.ask(&device));
    Phase::Asking(Asking {
        held,
        device,
        old,
        why,
        waiting,
    })
}

fn answered(
    page: &Page,
    asking: Asking,
    answer: Result<JsValue, JsValue>,
    watch: &RefCell<Watch>,
) -> Phase {
    let Asking {
        held,
        device,
        old,
        why,
        waiting,
    } = asking;
    match answer {
        Ok(_) => {
            page.take(&held.0);
            drop(old);
            match why {
                // The watch tells once it hears.
                Why::Silent => {}
                Why::Wanted | Why::Broken => {
                    *watch.borrow_mut() = Watch::new(page.now());
                    page.tell(Told::On as u8);
                }
            }
            settle(waiting, &Ok(JsValue::UNDEFINED));
            Phase::On { held, device }
        }
        // A device that was chosen once may be gone: any other will do.
        Err(cause) if !device.is_empty() && unfit(&cause) => {
            ask(page, String::new(), old, why, waiting)
        }
        Err(cause) => {
            let phase = match old {
                Some(held) => Phase::On {
                    held,
                    device: String::new(),
                },
                None => Phase::Off,
            };
            if matches!(phase, Phase::Off) {
                page.tell(Told::Off as u8);
                match why {
                    Why::Wanted => {}
                    Why::Broken | Why::Silent => page.lost(&cause),
                }
            }
            settle(waiting, &Err(cause));
            phase
        }
    }
}

fn unfit(cause: &JsValue) -> bool {
    cause.is_object() && cause.unchecked_ref::<Failure>().code() == "mic_constraint"
}

fn settle(waiting: impl IntoIterator<Item = Reply>, result: &Result<JsValue, JsValue>) {
    for reply in waiting {
        // Who asked may have gone.
        let _ = reply.send(result.clone());
    }
}
