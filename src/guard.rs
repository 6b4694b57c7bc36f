//! What holds something of the browser's: dropping it gives that back.

use futures::future::{AbortHandle, LocalBoxFuture, abortable};
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

/// A task that runs until it is done or dropped.
pub(crate) struct Task(AbortHandle);

impl Task {
    pub(crate) fn new(work: LocalBoxFuture<'static, ()>) -> Self {
        let (work, handle) = abortable(work);
        spawn_local(async move {
            // Given up is as good as done.
            let _ = work.await;
        });
        Self(handle)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
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
