//! Units on a data channel: whole as one message, large ones in parts (annex D).

/// The largest unit that goes as one message, and the most bytes of a unit in a part.
const WHOLE: usize = 60_000;

/// What a part begins with: the header length of no binary unit.
const MARK: [u8; 2] = [0, 0];
const LAST: u8 = 1;
const TEXT: u8 = 2;

/// A message of a data channel, or a unit put together from several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(Vec<u8>),
    Binary(Vec<u8>),
}

/// Why messages make no unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amiss {
    /// A part is no part, or something stands between two.
    Broken,
    /// The unit is larger than the limit.
    TooLarge,
}

/// Cuts a unit into messages, in order.
pub(crate) fn cut(unit: Piece) -> Vec<Piece> {
    let (bytes, is_text) = match &unit {
        Piece::Text(bytes) => (bytes, true),
        Piece::Binary(bytes) => (bytes, false),
    };
    if bytes.len() <= WHOLE {
        return vec![unit];
    }
    let count = bytes.len().div_ceil(WHOLE);
    let parts = bytes.chunks(WHOLE).enumerate().map(|(i, chunk)| {
        let last = if i + 1 == count { LAST } else { 0 };
        let text = if is_text { TEXT } else { 0 };
        let mut part = Vec::with_capacity(chunk.len() + 3);
        part.extend(MARK);
        part.push(last | text);
        part.extend(chunk);
        Piece::Binary(part)
    });
    parts.collect()
}

/// Puts units together.
#[derive(Debug)]
pub(crate) struct Join {
    limit: usize,
    begun: Option<Begun>,
}

#[derive(Debug)]
struct Begun {
    is_text: bool,
    bytes: Vec<u8>,
}

impl Join {
    /// For units of at most `limit` bytes.
    pub(crate) const fn new(limit: usize) -> Self {
        Self { limit, begun: None }
    }

    /// Takes a message, and returns the unit that it completes.
    pub(crate) fn push(&mut self, message: Piece) -> Result<Option<Piece>, Amiss> {
        let part = match &message {
            Piece::Binary(bytes) => bytes.strip_prefix(&MARK),
            Piece::Text(_) => None,
        };
        let Some(part) = part else {
            let size = match &message {
                Piece::Text(bytes) | Piece::Binary(bytes) => bytes.len(),
            };
            return match self.begun {
                Some(_) => Err(Amiss::Broken),
                None if size > self.limit => Err(Amiss::TooLarge),
                None => Ok(Some(message)),
            };
        };
        let Some((flags, chunk)) = part.split_first() else {
            return Err(Amiss::Broken);
        };
        let is_text = flags & TEXT != 0;
        let begun = self.begun.get_or_insert(Begun {
            is_text,
            bytes: Vec::new(),
        });
        if begun.is_text != is_text || flags & !(LAST | TEXT) != 0 || chunk.len() > WHOLE {
            return Err(Amiss::Broken);
        }
        if begun.bytes.len() + chunk.len() > self.limit {
            return Err(Amiss::TooLarge);
        }
        begun.bytes.extend(chunk);
        if flags & LAST == 0 {
            return Ok(None);
        }
        let whole = self.begun.take().map(|begun| match begun.is_text {
            true => Piece::Text(begun.bytes),
            false => Piece::Binary(begun.bytes),
        });
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_is_put_together_again() {
        for size in [0, 1, WHOLE, WHOLE + 1, 2 * WHOLE, 300_000] {
            let bytes: Vec<u8> = (0..size).map(|i| i as u8 | 1).collect();
            for unit in [Piece::Text(bytes.clone()), Piece::Binary(bytes)] {
                let mut join = Join::new(300_000);
                let mut messages = cut(unit.clone());
                assert_eq!(messages.len(), size.div_ceil(WHOLE).max(1));
                let last = messages.pop().unwrap();
                for message in messages {
                    assert_eq!(join.push(message), Ok(None));
                }
                assert_eq!(join.push(last), Ok(Some(unit)));
            }
        }
    }

    #[test]
    fn what_is_amiss_is_told() {
        let part = |flags: u8, size: usize| {
            let mut bytes = vec![0, 0, flags];
            bytes.resize(3 + size, 7);
            Piece::Binary(bytes)
        };
        let mut join = Join::new(1_000);
        assert_eq!(join.push(part(0, 10)), Ok(None));
        assert_eq!(join.push(part(TEXT, 10)), Err(Amiss::Broken));
        assert_eq!(join.push(Piece::Text(vec![])), Err(Amiss::Broken));
        assert_eq!(join.push(part(LAST, 991)), Err(Amiss::TooLarge));
        let mut join = Join::new(1_000);
        assert_eq!(join.push(Piece::Binary(vec![0, 0])), Err(Amiss::Broken));
        assert_eq!(join.push(part(4, 1)), Err(Amiss::Broken));
        assert_eq!(join.push(Piece::Text(vec![7; 1_001])), Err(Amiss::TooLarge));
    }
}
