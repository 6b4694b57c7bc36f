//! What the page calls where there is no wasm-bindgen: the facade's methods by their own names, read by `pkg/js/plain.js`.
//! A session has an instance of its own, so its core needs no handle.

#![allow(unsafe_code, reason = "exports, and what the page writes into memory")]

use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::mem;

use crate::session::Core;

/// What the page has made of this instance.
struct Page {
    /// What the page writes before a call that reads it.
    written: Vec<u8>,
    core: Option<Core>,
}

struct Alone(UnsafeCell<Page>);

// SAFETY: without the target feature `atomics`, an instance has one thread.
#[cfg(not(target_feature = "atomics"))]
unsafe impl Sync for Alone {}

static PAGE: Alone = Alone(UnsafeCell::new(Page {
    written: Vec::new(),
    core: None,
}));

/// The state of this instance.
fn page() -> &'static mut Page {
    // SAFETY: each export asks once and calls neither another nor the page before it returns.
    unsafe { &mut *PAGE.0.get() }
}

/// The session; a trap where there is none.
fn session() -> &'static mut Core {
    match &mut page().core {
        Some(core) => core,
        None => core::arch::wasm32::unreachable(),
    }
}

/// Makes room for so many bytes and returns where the page writes them.
#[unsafe(no_mangle)]
extern "C" fn room(length: usize) -> *mut u8 {
    let written = &mut page().written;
    written.resize(length, 0);
    written.as_mut_ptr()
}

/// [`Core::new`] of what was written.
#[unsafe(no_mangle)]
extern "C" fn begin() {
    let page = page();
    let core = Core::new(&page.written);
    // There is none before it, and it goes with the instance: nothing is ever freed.
    mem::forget(page.core.replace(core));
}

/// [`Core::tell`].
#[unsafe(no_mangle)]
extern "C" fn tell(now: f64, kind: u8, a: u32, b: f64, c: f64, d: f64, e: f64) -> usize {
    session().tell(now, kind, a, b, c, d, e)
}

/// [`Core::take`].
#[unsafe(no_mangle)]
extern "C" fn take() -> f64 {
    session().take()
}

/// [`Core::accept`].
#[unsafe(no_mangle)]
extern "C" fn accept(attempt: u32, n: f64) -> u8 {
    session().accept(attempt, n)
}

/// [`Core::heard`].
#[unsafe(no_mangle)]
extern "C" fn heard(attempt: u32, bytes: usize) -> bool {
    session().heard(attempt, bytes)
}

/// [`Core::delivered`].
#[unsafe(no_mangle)]
extern "C" fn delivered(offset: f64) {
    session().delivered(offset);
}
