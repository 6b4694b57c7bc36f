//! Reads an event stream as the HTML Standard does (§9.2.5, §9.2.6), however it is cut into chunks.
//!
//! Values are handed out as the bytes they came as. To decode each of them as UTF-8, with U+FFFD for
//! what is broken, gives what decoding the whole stream gives: a line ends with an ASCII byte, and so
//! do a field name and the space after its colon, and an ASCII byte always ends a broken UTF-8
//! sequence (Encoding Standard, UTF-8 decoder).

use alloc::vec::Vec;
use core::error::Error;
use core::fmt;
use core::mem;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Parses one event stream, pushed chunk by chunk.
///
/// An event that has not ended when the stream does is never reported: drop the parser. Memory is
/// bounded by a small multiple of the limit, time is linear in the bytes pushed.
pub struct Parser {
    state: State,
    limit: usize,
    line: Vec<u8>,
    kind: Vec<u8>,
    data: Vec<u8>,
    id: Vec<u8>,
    last_event_id: Vec<u8>,
}

/// Something a stream said.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Item<'a> {
    /// An event, with data that may be empty (HTML Standard §9.2.6, "dispatch the event").
    Event {
        /// The event type, `message` if the stream gave none.
        kind: &'a [u8],
        /// The `data` lines, joined with LF.
        data: &'a [u8],
        /// The last `id` of the stream up to here, empty if it gave none.
        id: &'a [u8],
    },
    /// A `retry` field: the reconnection time in milliseconds, at most [`Item::MAX_RETRY`].
    Retry(u64),
    /// A comment line, which streams send to prove that they live.
    Comment,
}

/// Says that an event, or a line of any kind, is larger than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflow;

#[derive(Clone, Copy)]
enum State {
    /// At the start of the stream, so many bytes into a byte order mark.
    Start(usize),
    Body,
    /// Past a CR, which may turn out to be half of a CRLF.
    AfterCr,
    Overflowed,
}

impl Parser {
    /// Creates a parser at the start of a stream.
    ///
    /// `max_event_bytes` limits what is held at any time: the type and the `data` lines (one byte
    /// more for each) of the unfinished event, plus the current line without its line end.
    pub const fn new(max_event_bytes: usize) -> Self {
        Self {
            state: State::Start(0),
            limit: max_event_bytes,
            line: Vec::new(),
            kind: Vec::new(),
            data: Vec::new(),
            id: Vec::new(),
            last_event_id: Vec::new(),
        }
    }

    /// Reads the next bytes of the stream and reports what they complete, in order.
    ///
    /// A CR ends its line at once, even as the last byte of a chunk. Items and errors do not depend
    /// on how the stream is cut.
    ///
    /// # Errors
    ///
    /// [`Overflow`] once the limit is passed, and on every call after that. Items before it have
    /// been reported.
    pub fn push(
        &mut self,
        chunk: &[u8],
        on_item: &mut dyn FnMut(Item<'_>),
    ) -> Result<(), Overflow> {
        let mut rest = chunk;
        loop {
            match self.state {
                State::Overflowed => return Err(Overflow),
                State::Start(matched) => {
                    let Some((byte, tail)) = rest.split_first() else {
                        return Ok(());
                    };
                    if BOM.get(matched) == Some(byte) {
                        rest = tail;
                        self.state = State::Start(matched + 1);
                    } else {
                        self.state = State::Body;
                        if matched < BOM.len() {
                            self.keep(BOM.get(..matched).unwrap_or_default())?;
                        }
                    }
                }
                State::AfterCr => {
                    if rest.is_empty() {
                        return Ok(());
                    }
                    rest = rest.strip_prefix(b"\n").unwrap_or(rest);
                    self.state = State::Body;
                }
                State::Body => {
                    let (head, end) = split(rest, b'\n', b'\r');
                    self.keep(head)?;
                    let Some((ended_by, tail)) = end else {
                        return Ok(());
                    };
                    if ended_by == b'\r' {
                        self.state = State::AfterCr;
                    }
                    rest = tail;
                    self.end_line(on_item);
                }
            }
        }
    }

    /// Hands out the last event ID of the stream as of the last blank line, to resume with
    /// (HTML Standard §9.2.4). Empty if there is none.
    pub fn last_event_id(&self) -> &[u8] {
        &self.last_event_id
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Overflow> {
        let held = self.line.len() + self.kind.len() + self.data.len();
        if bytes.len() > self.limit.saturating_sub(held) {
            self.state = State::Overflowed;
            self.line = Vec::new();
            self.kind = Vec::new();
            self.data = Vec::new();
            return Err(Overflow);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, on_item: &mut dyn FnMut(Item<'_>)) {
        let mut line = mem::take(&mut self.line);
        match line.first() {
            None => self.dispatch(on_item),
            Some(b':') => on_item(Item::Comment),
            Some(_) => self.field(&line, on_item),
        }
        line.clear();
        self.line = line;
    }

    fn field(&mut self, line: &[u8], on_item: &mut dyn FnMut(Item<'_>)) {
        let (name, colon) = split(line, b':', b':');
        let value = match colon {
            Some((_, [b' ', value @ ..]) | (_, value)) => value,
            None => &[],
        };
        match name {
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.extend_from_slice(b"\n");
            }
            b"event" => {
                self.kind.clear();
                self.kind.extend_from_slice(value);
            }
            b"id" if value.iter().all(|byte| *byte != 0) => {
                self.id.clear();
                self.id.extend_from_slice(value);
            }
            b"retry" => {
                if let Some(millis) = millis(value) {
                    on_item(Item::Retry(millis));
                }
            }
            _ => {}
        }
    }

    fn dispatch(&mut self, on_item: &mut dyn FnMut(Item<'_>)) {
        self.last_event_id.clone_from(&self.id);
        if self.data.pop().is_some() {
            on_item(Item::Event {
                kind: match self.kind.as_slice() {
                    b"" => b"message",
                    kind => kind,
                },
                data: &self.data,
                id: &self.last_event_id,
            });
        }
        self.data.clear();
        self.kind.clear();
    }
}

impl fmt::Debug for Parser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parser")
    }
}

impl Item<'_> {
    /// The longest reconnection time reported, in milliseconds; a stream that asks for more gets
    /// this. The largest integer JavaScript holds exactly, 2⁵³ − 1.
    pub const MAX_RETRY: u64 = (1 << 53) - 1;
}

/// Leaves out what the stream said: it is the application's.
impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Event { .. } => "Event",
            Self::Retry(_) => "Retry",
            Self::Comment => "Comment",
        })
    }
}

impl fmt::Display for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("event is larger than the limit")
    }
}

impl Error for Overflow {}

/// Splits at the first of either byte, and says which it was.
fn split(bytes: &[u8], a: u8, b: u8) -> (&[u8], Option<(u8, &[u8])>) {
    let mut rest = bytes.iter();
    match rest.position(|byte| *byte == a || *byte == b) {
        None => (bytes, None),
        Some(at) => {
            let head = bytes.get(..at).unwrap_or_default();
            (head, bytes.get(at).map(|byte| (*byte, rest.as_slice())))
        }
    }
}

/// Reads a reconnection time: ASCII digits and nothing else, at least one.
fn millis(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0, |sum: u64, byte| {
        byte.is_ascii_digit()
            .then(|| (sum * 10 + u64::from(byte - b'0')).min(Item::MAX_RETRY))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_in_small_chunks_is_moved_a_logarithmic_number_of_times() {
        let mut parser = Parser::new(1 << 21);
        let mut moves = 0;
        for byte in core::iter::repeat_n(b'x', 1 << 20) {
            let before = parser.line.capacity();
            parser.push(&[byte], &mut |_| {}).unwrap();
            moves += usize::from(parser.line.capacity() != before);
        }
        assert!(moves <= 20, "{moves}");
    }

    #[test]
    fn many_small_data_lines_are_moved_a_logarithmic_number_of_times() {
        let mut parser = Parser::new(1 << 21);
        let mut moves = 0;
        for _ in 0..1 << 18 {
            let before = parser.data.capacity() + parser.line.capacity();
            parser.push(b"data:x\n", &mut |_| {}).unwrap();
            moves += usize::from(parser.data.capacity() + parser.line.capacity() != before);
        }
        assert!(moves <= 24, "{moves}");
    }

    #[test]
    fn an_overflow_gives_the_memory_back() {
        let mut parser = Parser::new(1 << 10);
        parser.push(b"data: a\n", &mut |_| {}).unwrap();
        assert_eq!(parser.push(&[b'x'; 1 << 11], &mut |_| {}), Err(Overflow));
        assert_eq!(parser.line.capacity() + parser.data.capacity(), 0);
    }
}
