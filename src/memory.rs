//! The browser build's allocator. A session has few sizes, again and again: blocks are powers of two, and those given back are
//! listed by their size. None is joined or split, so both ways take constant time, and a block's slack is the price.

#![allow(unsafe_code, reason = "an allocator")]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::memory_grow;
use core::cell::UnsafeCell;
use core::ptr;

/// Bytes by which WebAssembly's memory grows.
const PAGE: usize = 1 << 16;

/// Smallest block in bytes: it holds a link to the next free one.
const SMALLEST: usize = 16;

/// Gives out memory that it never gives back to the browser: that goes with the instance.
pub(crate) struct Memory(UnsafeCell<Blocks>);

struct Blocks {
    /// The first free block of each power of two. A free block begins with the address of the next.
    free: [*mut u8; usize::BITS as usize],
    /// From where to where memory has not been a block yet.
    fresh: usize,
    end: usize,
}

// SAFETY: without the target feature `atomics`, an instance has one thread.
unsafe impl Sync for Memory {}

impl Memory {
    pub(crate) const fn new() -> Self {
        Self(UnsafeCell::new(Blocks {
            free: [ptr::null_mut(); usize::BITS as usize],
            fresh: 0,
            end: 0,
        }))
    }
}

/// Which power of two a layout's blocks are. Its size is at most `isize::MAX`, so there is one.
fn power(layout: Layout) -> u32 {
    let size = layout.size().max(layout.align()).max(SMALLEST);
    usize::BITS - (size - 1).leading_zeros()
}

impl Blocks {
    /// Makes a block where there was none; null if there is no more memory.
    fn fresh(&mut self, size: usize) -> *mut u8 {
        if self.end - self.fresh < size {
            let pages = size.div_ceil(PAGE);
            let grown = memory_grow(0, pages);
            if grown == usize::MAX {
                return ptr::null_mut();
            }
            self.fresh = grown * PAGE;
            self.end = self.fresh + pages * PAGE;
        }
        let block = self.fresh;
        self.fresh += size;
        ptr::with_exposed_provenance_mut(block)
    }
}

// SAFETY: a block is in one place at a time, with its owner or in a list; it is as large as its layout and starts at a multiple of
// 16, which no type here needs more than.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let power = power(layout);
        // SAFETY: one thread, and nothing here allocates.
        let blocks = unsafe { &mut *self.0.get() };
        match blocks.free.get_mut(power as usize) {
            Some(first) if !first.is_null() => {
                let block = *first;
                // SAFETY: a free block begins with the address of the next.
                *first = unsafe { block.cast::<*mut u8>().read() };
                block
            }
            _ => blocks.fresh(1 << power),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        let blocks = unsafe { &mut *self.0.get() };
        if let Some(first) = blocks.free.get_mut(power(layout) as usize) {
            // SAFETY: the block is the caller's, who gives it up.
            unsafe { block.cast::<*mut u8>().write(*first) };
            *first = block;
        }
    }
}
