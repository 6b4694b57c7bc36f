//! Numbers on their way to the page, which reads them one by one.

use alloc::vec::Vec;

/// Stands for "none": every number is 0 or more.
pub(crate) const NONE: i64 = -1;

/// What a call left for the page to read.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    list: Vec<i64>,
    read: usize,
}

impl Numbers {
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.read = 0;
    }

    /// Writes a number after the others.
    #[inline(never)]
    pub(crate) fn put(&mut self, number: i64) -> &mut Self {
        self.list.push(number);
        self
    }

    pub(crate) fn append(&mut self, other: &Self) {
        self.list.extend_from_slice(&other.list);
    }

    /// How many there are to read.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Reads the next number; 0 after the last.
    pub(crate) fn take(&mut self) -> i64 {
        let number = self.list.get(self.read).copied().unwrap_or_default();
        self.read += 1;
        number
    }
}

/// Spells a span in milliseconds, or that there is none.
pub(crate) fn spelled(span: Option<u64>) -> i64 {
    span.map_or(NONE, |ms| ms as i64)
}
