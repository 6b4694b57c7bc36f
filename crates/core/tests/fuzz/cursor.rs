//! A fuzzer's bytes, read as choices. When they run out, every choice is 0 and [`Cursor::is_done`].

pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    pub(crate) fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// Chooses a number below `count`, which is not 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count
    }

    pub(crate) fn flip(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        let index = self.below(items.len().max(1));
        items.get(index).copied()
    }

    /// Chooses a span in milliseconds: some short, some of minutes.
    pub(crate) fn span(&mut self) -> u64 {
        let byte = u64::from(self.byte());
        match byte >> 6 {
            0 => byte & 63,
            1 => (byte & 63) * 100,
            2 => (byte & 63) * 1_000,
            _ => (byte & 63) * 10_000,
        }
    }
}
