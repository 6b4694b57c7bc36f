//! What holds something of the browser's: dropping it gives that back.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, AbortSignal, EventTarget};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &JsValue, ms: f64) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: &JsValue);
}

/// A listener that hears an event until it is dropped.
pub(crate) struct Listener {
    target: EventTarget,
    name: &'static str,
    heard: Closure<dyn FnMut(JsValue)>,
}

impl Listener {
    pub(crate) fn new(
        target: &EventTarget,
        name: &'static str,
        heard: impl FnMut(JsValue) + 'static,
    ) -> Self {
        let heard = Closure::<dyn FnMut(JsValue)>::new(heard);
        let function = heard.as_ref().unchecked_ref();
        // Fails only for what is no event target.
        let _ = target.add_event_listener_with_callback(name, function);
        Self {
            target: target.clone(),
            name,
            heard,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let function = self.heard.as_ref().unchecked_ref();
        let _ = self
            .target
            .remove_event_listener_with_callback(self.name, function);
    }
}

/// One alarm, set anew as often as need be.
pub(crate) struct Alarm {
    ring: Closure<dyn FnMut()>,
    id: JsValue,
}

impl Alarm {
    pub(crate) fn new(ring: impl FnMut() + 'static) -> Self {
        Self {
            ring: Closure::new(ring),
            id: JsValue::UNDEFINED,
        }
    }

    /// Rings in so many milliseconds; with none, never.
    pub(crate) fn set(&mut self, ms: Option<u64>) {
        clear_timeout(&self.id);
        self.id = ms.map_or(JsValue::UNDEFINED, |ms| {
            set_timeout(self.ring.as_ref(), ms as f64)
        });
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        clear_timeout(&self.id);
    }
}

/// Work that waits, as a task and a guard hold it.
type Work = Pin<Box<dyn Future<Output = ()>>>;

/// A task that runs until it is done or dropped; with it goes what it waits for.
pub(crate) struct Task {
    _work: Rc<RefCell<Option<Work>>>,
}

impl Task {
    pub(crate) fn new(work: Work) -> Self {
        let work = Rc::new(RefCell::new(Some(work)));
        let held = Rc::downgrade(&work);
        spawn_local(poll_fn(move |context| {
            let Some(held) = held.upgrade() else {
                return Poll::Ready(());
            };
            // Not held while it runs: what it tells may drop the task.
            let Some(mut work) = held.take() else {
                return Poll::Ready(());
            };
            let polled = work.as_mut().poll(context);
            if polled.is_pending() {
                held.replace(Some(work));
            }
            polled
        }));
        Self { _work: work }
    }
}

/// What happened, in order, for one who waits for it.
pub(crate) struct Queue<T>(Rc<RefCell<Waiting<T>>>);

struct Waiting<T> {
    events: VecDeque<T>,
    waker: Option<Waker>,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        let (events, waker) = (VecDeque::new(), None);
        Self(Rc::new(RefCell::new(Waiting { events, waker })))
    }

    pub(crate) fn push(&self, event: T) {
        let mut waiting = self.0.borrow_mut();
        waiting.events.push_back(event);
        let waker = waiting.waker.take();
        drop(waiting);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) async fn next(&self) -> T {
        poll_fn(|context| {
            let mut waiting = self.0.borrow_mut();
            match waiting.events.pop_front() {
                Some(event) => Poll::Ready(event),
                None => {
                    waiting.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Aborts what was given its signal when it is dropped.
pub(crate) struct Limit(AbortController);

impl Limit {
    /// Fails where there is no `AbortController`.
    pub(crate) fn new() -> Result<Self, JsValue> {
        AbortController::new().map(Self)
    }

    pub(crate) fn signal(&self) -> AbortSignal {
        self.0.signal()
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        self.0.abort();
    }
}
