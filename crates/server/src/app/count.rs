//! Numbered messages, counted: what tests and benchmarks ask of the way up.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use throughline_core::codec::Body;

use super::parse;
use crate::hub::Peer;

/// The largest number that is told from its doubles.
const NUMBERS: usize = 10_000_000;

/// What came from each peer.
#[derive(Debug, Default)]
pub(super) struct Counts(HashMap<Peer, Count>);

/// What came of `COUNT_ME {i}`, `i` from 0.
#[derive(Debug, Default, Serialize)]
pub(super) struct Count {
    /// Different numbers.
    count: u32,
    doubled: u32,
    /// New ones that came after a larger one.
    reordered: u32,
    #[serde(skip)]
    seen: Vec<bool>,
}

#[derive(Debug, Deserialize)]
struct Numbered {
    i: usize,
}

impl Counts {
    pub(super) fn add(&mut self, peer: Peer, body: &Body) {
        if let Some(Numbered { i }) = parse(body).filter(|numbered: &Numbered| numbered.i < NUMBERS)
        {
            self.0.entry(peer).or_default().add(i);
        }
    }

    pub(super) fn of(&mut self, peer: Peer) -> &Count {
        self.0.entry(peer).or_default()
    }

    pub(super) fn forget(&mut self, peer: Peer) {
        self.0.remove(&peer);
    }
}

impl Count {
    fn add(&mut self, i: usize) {
        match self.seen.get_mut(i) {
            Some(seen) if *seen => self.doubled += 1,
            Some(seen) => {
                *seen = true;
                self.count += 1;
                self.reordered += 1;
            }
            None => {
                self.seen.resize(i, false);
                self.seen.push(true);
                self.count += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_and_late_ones_are_told_apart() {
        let mut count = Count::default();
        for i in [0, 1, 3, 1, 2, 2] {
            count.add(i);
        }
        assert_eq!((count.count, count.doubled, count.reordered), (4, 2, 1));
    }
}
