//! Units as messages of a data channel: whole, or in parts where they are large (D2).
//!
//! A binary unit begins with the length of its header, which is never 0 (P1.6): a binary message that
//! begins with two zero bytes is a part.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use crate::close::code;

/// Most bytes of a unit in one message.
pub const PART_BYTES: usize = 60_000;

/// Bytes before a part's own.
pub const HEAD_BYTES: usize = 3;

const LAST: u8 = 1;
const TEXT: u8 = 2;

/// Whether a unit or a message is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Bytes.
    Binary,
}

/// A unit that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit<'a> {
    /// Whether it is text. Whether text is UTF-8 was not looked at.
    pub kind: Kind,
    /// All of it.
    pub bytes: Cow<'a, [u8]>,
}

/// One message of a unit's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// The unit, as a message of its own kind.
    Whole(&'a [u8]),
    /// A part of it: a binary message of `head`, then `bytes`.
    Part {
        /// What marks the part.
        head: [u8; HEAD_BYTES],
        /// The unit's bytes.
        bytes: &'a [u8],
    },
}

/// Cuts a unit into the messages that carry it, in order; nothing may be sent between them (D2).
pub fn cut(unit: &[u8], kind: Kind) -> impl Iterator<Item = Message<'_>> {
    let whole = unit.len() <= PART_BYTES;
    let parts = unit.chunks(PART_BYTES).enumerate();
    let last = unit.len().div_ceil(PART_BYTES).saturating_sub(1);
    let text = match kind {
        Kind::Text => TEXT,
        Kind::Binary => 0,
    };
    let parts = parts.filter(move |_| !whole).map(move |(i, bytes)| {
        let end = if i == last { LAST } else { 0 };
        Message::Part {
            head: [0, 0, text | end],
            bytes,
        }
    });
    whole
        .then_some(Message::Whole(unit))
        .into_iter()
        .chain(parts)
}

/// Why messages make no unit; the link ends with [`PartError::code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartError {
    /// A part that is not as described, or something else between parts (D2, D3).
    Broken,
    /// A unit over the limit (D3).
    TooLarge,
}

impl PartError {
    /// Returns the close code of P5.3.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Broken => code::PROTOCOL,
            Self::TooLarge => code::TOO_LARGE,
        }
    }
}

impl fmt::Display for PartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broken => "parts that make no unit",
            Self::TooLarge => "a unit over the limit",
        })
    }
}

impl core::error::Error for PartError {}

/// Joins what comes on one data channel.
#[derive(Debug)]
pub struct Joiner {
    limit: usize,
    /// The unit whose last part has not come.
    open: Option<(Kind, Vec<u8>)>,
}

impl Joiner {
    /// Makes one that refuses units of more than `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { limit, open: None }
    }

    /// Takes the next message and returns the unit that it completes, if it does.
    ///
    /// # Errors
    /// What is no unit, and what is too large. Nothing of the unit at hand is kept.
    pub fn push<'a>(
        &mut self,
        kind: Kind,
        message: &'a [u8],
    ) -> Result<Option<Unit<'a>>, PartError> {
        let open = self.open.take();
        let part = match (kind, message) {
            (Kind::Binary, [0, 0, rest @ ..]) => rest,
            (_, unit) if unit.len() > self.limit => return Err(PartError::TooLarge),
            (_, unit) if open.is_none() => {
                let bytes = Cow::Borrowed(unit);
                return Ok(Some(Unit { kind, bytes }));
            }
            _ => return Err(PartError::Broken),
        };
        let Some((flags @ 0..=3, bytes)) = part.split_first() else {
            return Err(PartError::Broken);
        };
        let kind = if flags & TEXT == 0 {
            Kind::Binary
        } else {
            Kind::Text
        };
        let (begun, mut unit) = open.unwrap_or((kind, Vec::new()));
        if begun != kind || !(1..=PART_BYTES).contains(&bytes.len()) {
            return Err(PartError::Broken);
        }
        if unit.len() + bytes.len() > self.limit {
            return Err(PartError::TooLarge);
        }
        unit.extend_from_slice(bytes);
        if flags & LAST == 0 {
            self.open = Some((kind, unit));
            return Ok(None);
        }
        let bytes = Cow::Owned(unit);
        Ok(Some(Unit { kind, bytes }))
    }
}
