//! placeholder until the real parser lands
use alloc::string::String;
use alloc::vec::Vec;
/// x
#[derive(Debug)]
pub enum Item {
    /// x
    Event {
        /// x
        kind: String,
        /// x
        data: String,
    },
    /// x
    Retry(u64),
    /// x
    Comment,
}
/// x
#[derive(Debug)]
pub struct Overflow;
/// x
#[derive(Debug)]
pub struct Parser {
    buf: Vec<u8>,
    data: String,
    kind: String,
    limit: usize,
}
impl Parser {
    /// x
    pub fn new(limit: usize) -> Self {
        Self { buf: Vec::new(), data: String::new(), kind: String::new(), limit }
    }
    /// x
    pub fn push(&mut self, chunk: &[u8], on: &mut dyn FnMut(Item)) -> Result<(), Overflow> {
        for b in chunk {
            if *b != b'\n' {
                self.buf.push(*b);
                if self.buf.len() > self.limit {
                    return Err(Overflow);
                }
                continue;
            }
            let line = String::from_utf8_lossy(&self.buf).into_owned();
            self.buf.clear();
            let line = line.trim_end_matches('\r');
            if line.is_empty() {
                if !self.data.is_empty() {
                    self.data.pop();
                    let kind = core::mem::take(&mut self.kind);
                    let kind = if kind.is_empty() { String::from("message") } else { kind };
                    on(Item::Event { kind, data: core::mem::take(&mut self.data) });
                }
            } else if let Some(d) = line.strip_prefix("data:") {
                self.data.push_str(d.strip_prefix(' ').unwrap_or(d));
                self.data.push('\n');
            } else if let Some(d) = line.strip_prefix("event:") {
                self.kind = String::from(d.strip_prefix(' ').unwrap_or(d));
            } else if line.starts_with(':') {
                on(Item::Comment);
            }
        }
        Ok(())
    }
}
