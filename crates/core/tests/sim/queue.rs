//! What is going to happen, by time.

use std::collections::BTreeMap;

/// Names something that waits: its time, its rank among what happens then, and its number.
pub(crate) type Key = (u64, u8, u64);

/// The usual rank.
pub(crate) const INLINE: u8 = 1;

#[derive(Debug)]
pub(crate) struct Queue<T> {
    items: BTreeMap<Key, T>,
    last: u64,
}

impl<T> Queue<T> {
    pub(crate) const fn new() -> Self {
        Self {
            items: BTreeMap::new(),
            last: 0,
        }
    }

    pub(crate) fn push(&mut self, at: u64, rank: u8, item: T) -> Key {
        self.last += 1;
        let key = (at, rank, self.last);
        self.items.insert(key, item);
        key
    }

    pub(crate) fn cancel(&mut self, key: Key) {
        self.items.remove(&key);
    }

    /// Puts off what was taken out, without losing its place among what is put off to the same time.
    pub(crate) fn put_off(&mut self, (_, _, number): Key, at: u64, rank: u8, item: T) -> Key {
        self.items.insert((at, rank, number), item);
        (at, rank, number)
    }

    /// Takes out what happens next, if that is not after `end`.
    pub(crate) fn pop(&mut self, end: u64) -> Option<(Key, T)> {
        let at = self.items.first_key_value()?.0.0;
        (at <= end).then(|| self.items.pop_first())?
    }
}
