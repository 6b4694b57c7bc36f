//! What an event stream says does not depend on how it is cut. Three bytes choose limit and cuts.
#![no_main]
use std::hash::{DefaultHasher, Hash, Hasher};
use std::iter;
use throughline_core::sse::Parser;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let &[limit, at, size, ref stream @ ..] = input else {
        return;
    };
    let (head, tail) = stream.split_at(stream.len().min(at.into()));
    let read = |chunks: Vec<&[u8]>| {
        let (mut parser, mut items) = (Parser::new(usize::from(limit) * 4), DefaultHasher::new());
        let mut push = |chunk| parser.push(chunk, &mut |item| item.hash(&mut items));
        let end = chunks.into_iter().try_for_each(&mut push);
        (items.finish(), end, parser.last_event_id().to_owned())
    };
    let cut = iter::once(head).chain(tail.chunks(usize::from(size) + 1));
    assert_eq!(read(vec![stream]), read(cut.collect()));
});
