//! A short list of transports.

use core::iter;

use crate::frame::Transport;

/// Transports in an order, most preferred first, each at most once.
///
/// Three bits hold a transport and the first is in the lowest, so a list is a number that is copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transports(u16);

impl Transports {
    /// Returns whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the most preferred one.
    #[must_use]
    pub const fn first(self) -> Option<Transport> {
        match self.0 & 7 {
            0 => None,
            1 => Some(Transport::WebSocket),
            2 => Some(Transport::Sse),
            3 => Some(Transport::LongPoll),
            _ => Some(Transport::WebRtc),
        }
    }

    /// Returns whether `transport` is among them.
    #[must_use]
    pub fn has(self, transport: Transport) -> bool {
        self.iter().any(|other| other == transport)
    }

    /// Visits them in order.
    pub fn iter(mut self) -> impl Iterator<Item = Transport> {
        iter::from_fn(move || self.take_first())
    }

    /// Adds a transport at the end; false if it was there.
    pub fn add(&mut self, transport: Transport) -> bool {
        let new = !self.has(transport);
        if new {
            self.0 |= (transport as u16 + 1) << (3 * self.iter().count());
        }
        new
    }

    /// Removes the most preferred one and returns it.
    pub(crate) const fn take_first(&mut self) -> Option<Transport> {
        let first = self.first();
        self.0 >>= 3;
        first
    }

    /// Returns those that are not among `others`, in their order.
    #[must_use]
    pub(crate) fn without(self, others: Self) -> Self {
        self.iter().filter(|t| !others.has(*t)).collect()
    }

    /// Returns the same transports with `first` before the others, if it is one of them.
    #[must_use]
    pub(crate) fn starting_with(self, first: Transport) -> Self {
        let mut list = Self::default();
        if self.has(first) {
            list.add(first);
        }
        list.extend(self.iter());
        list
    }
}

impl Extend<Transport> for Transports {
    fn extend<I: IntoIterator<Item = Transport>>(&mut self, transports: I) {
        for transport in transports {
            self.add(transport);
        }
    }
}

impl FromIterator<Transport> for Transports {
    fn from_iter<I: IntoIterator<Item = Transport>>(transports: I) -> Self {
        let mut list = Self::default();
        list.extend(transports);
        list
    }
}

#[cfg(test)]
mod tests {
    use super::Transports;
    use crate::frame::Transport::{self, LongPoll, Sse, WebRtc, WebSocket};

    #[test]
    fn a_list_keeps_its_order_and_takes_each_transport_once() {
        let list: Transports = [LongPoll, WebSocket, LongPoll, Sse].into_iter().collect();
        assert!(list.iter().eq([LongPoll, WebSocket, Sse]));
        assert_eq!(list.first(), Some(LongPoll));
    }

    #[test]
    fn what_was_not_added_is_not_there() {
        let mut list = Transports::default();
        assert!(list.is_empty());
        assert!(list.add(Sse));
        assert!(!list.add(Sse));
        assert!(list.has(Sse) && !list.has(WebSocket));
    }

    #[test]
    fn starting_with_one_keeps_the_order_of_the_others() {
        let all = Transport::ALL.into_iter().collect::<Transports>();
        assert!(
            all.starting_with(LongPoll)
                .iter()
                .eq([LongPoll, WebRtc, WebSocket, Sse])
        );
        let two: Transports = [Sse, LongPoll].into_iter().collect();
        assert_eq!(two.starting_with(WebSocket), two);
    }
}
