//! Event streams as the HTML Standard reads them (§9.2.5, §9.2.6), however they are cut.
//!
//! `tests/data/sse` has one `NAME.txt` for each case, the bytes of a stream, and a `NAME.json` with
//! the items it means.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::iter;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use throughline_core::sse::{Item, Overflow, Parser};

const NO_LIMIT: usize = usize::MAX;

#[test]
fn every_golden_stream_means_the_same_however_it_is_cut() {
    for Golden {
        name,
        stream,
        reading,
    } in golden()
    {
        assert_eq!(read(NO_LIMIT, [&*stream]), reading, "{name}, whole");
        assert_eq!(
            read(NO_LIMIT, stream.chunks(1)),
            reading,
            "{name}, byte by byte"
        );
        for at in 0..=stream.len() {
            let (head, tail) = stream.split_at(at);
            assert_eq!(read(NO_LIMIT, [head, tail]), reading, "{name}, cut at {at}");
            assert_eq!(
                read(NO_LIMIT, [head, b"", tail]),
                reading,
                "{name}, a gap at {at}"
            );
        }
    }
}

#[test]
fn the_reference_agrees_with_every_golden_stream() {
    for Golden {
        name,
        stream,
        reading,
    } in golden()
    {
        assert_eq!(reference(&stream), reading, "{name}");
    }
}

#[test]
fn a_cr_at_the_end_of_a_chunk_ends_the_line() {
    let mut parser = Parser::new(NO_LIMIT);
    assert_eq!(push(&mut parser, b"data: a\r"), Ok(vec![]));
    assert_eq!(
        push(&mut parser, b"\r"),
        Ok(vec![event("message", "a", "")])
    );
    assert_eq!(push(&mut parser, b":\r"), Ok(vec![comment()]));
}

#[test]
fn the_lf_of_a_crlf_cut_in_two_is_swallowed() {
    let mut parser = Parser::new(NO_LIMIT);
    assert_eq!(push(&mut parser, b"data: a\r"), Ok(vec![]));
    assert_eq!(push(&mut parser, b"\n"), Ok(vec![]));
    assert_eq!(
        push(&mut parser, b"\r"),
        Ok(vec![event("message", "a", "")])
    );
    assert_eq!(push(&mut parser, b""), Ok(vec![]));
    assert_eq!(push(&mut parser, b"\ndata: b\n"), Ok(vec![]));
    assert_eq!(
        push(&mut parser, b"\n"),
        Ok(vec![event("message", "b", "")])
    );
}

#[test]
fn an_item_is_reported_by_the_push_that_completes_it() {
    let mut parser = Parser::new(NO_LIMIT);
    assert_eq!(push(&mut parser, b"retry: 1"), Ok(vec![]));
    assert_eq!(
        push(&mut parser, b"0\n: beat"),
        Ok(vec![json!({ "item": "retry", "ms": 10 })])
    );
    assert_eq!(push(&mut parser, b"\ndata: a\n"), Ok(vec![comment()]));
    assert_eq!(
        push(&mut parser, b"\ndata: b"),
        Ok(vec![event("message", "a", "")])
    );
}

#[test]
fn the_last_event_id_changes_with_the_blank_line_and_not_before() {
    let mut parser = Parser::new(NO_LIMIT);
    push(&mut parser, b"id: 1\n").unwrap();
    assert_eq!(parser.last_event_id(), b"");
    push(&mut parser, b"\nid: 2\ndata: a\n").unwrap();
    assert_eq!(parser.last_event_id(), b"1");
    push(&mut parser, b"\n").unwrap();
    assert_eq!(parser.last_event_id(), b"2");
}

#[test]
fn the_limit_counts_the_type_the_data_and_the_line_being_read() {
    for (stream, most) in [
        (&b"data: abc\n\n"[..], 9),
        (b"data: abc\ndata: def\n\n", 4 + 9),
        (b"event: abc\ndata: def\n\n", 3 + 9),
        (b"data: def\nevent: abcdef\ndata: ghi\n\n", 4 + 6 + 9),
        (b"data: abc\n: in between\ndata: def\n\n", 4 + 12),
        (b"data: abc\nunknown: abcdef\n\n", 4 + 15),
        (b"id: abcdefghi\n\n", 13),
        (b"\xEF\xBB\xBFdata: abc\n\n", 9),
        (b"\xEF\xBBdata: abc\n", 11),
        (b"data: unfinished", 16),
        (b"\r\n\r\n", 0),
    ] {
        let whole = read(most, [stream]);
        assert!(!whole.overflowed, "{stream:?} within {most}");
        assert_eq!(read(most, stream.chunks(1)), whole);
        if let Some(less) = most.checked_sub(1) {
            let whole = read(less, [stream]);
            assert!(whole.overflowed, "{stream:?} within {less}");
            assert_eq!(read(less, stream.chunks(1)), whole);
        }
    }
}

#[test]
fn what_is_done_with_does_not_count_towards_the_limit() {
    for lines in [
        "data: abc\n\n",
        "event: a\n\n",
        ":\n",
        "id: 1\n",
        "retry: 1\n",
        "x: y\r\n",
    ] {
        let stream = lines.repeat(1000);
        assert!(!read(9, [stream.as_bytes()]).overflowed, "{lines:?}");
    }
}

#[test]
fn an_endless_line_overflows_whatever_it_is() {
    for start in ["", ":", "data: ", "event: ", "id: ", "retry: 1", "x: "] {
        let stream = [start.as_bytes(), &[b'x'; 2000]].concat();
        let mut parser = Parser::new(1000);
        let overflow = stream
            .chunks(1)
            .position(|byte| push(&mut parser, byte).is_err());
        assert_eq!(overflow, Some(1000), "{start:?}");
    }
}

#[test]
fn an_overflowed_parser_reads_nothing_more() {
    let mut parser = Parser::new(12);
    let stream = b"id: 1\ndata: a\n\n: too long a line\ndata: b\n\n";
    let reading = read(12, [&stream[..]]);
    assert!(reading.overflowed);
    assert_eq!(reading.items, [event("message", "a", "1")]);

    assert_eq!(push(&mut parser, &stream[..]), Err(Overflow));
    assert_eq!(push(&mut parser, b"\n\ndata: b\n\n"), Err(Overflow));
    assert_eq!(push(&mut parser, b""), Err(Overflow));
    assert_eq!(parser.last_event_id(), b"1");
}

#[test]
fn what_a_stream_says_is_not_in_debug_output() {
    let mut parser = Parser::new(NO_LIMIT);
    let mut shown = String::new();
    let stream = b"event: sesame\nid: sesame\ndata: sesame\n\ndata: sesame\nid: sesame";
    parser
        .push(stream, &mut |item| shown += &format!("{item:?}"))
        .unwrap();
    shown += &format!("{parser:?}");
    assert!(
        shown.contains("Event") && !shown.contains("sesame"),
        "{shown}"
    );
    assert!(!shown.contains("115"), "{shown}");
}

/// The corpus that `fuzz/fuzz_targets/sse.rs` has grown, read as it reads it.
#[test]
fn every_stream_of_the_fuzz_corpus_means_the_same_however_it_is_cut() {
    let mut count = 0;
    for path in files("fuzz/corpus/sse") {
        let input = fs::read(&path).unwrap();
        let Some((&[limit, at, size], stream)) = input.split_first_chunk() else {
            continue;
        };
        let limit = usize::from(limit) * 4;
        let sizes = iter::once(usize::from(at)).chain(iter::repeat(usize::from(size) + 1));
        let cut = chunks(stream, sizes);
        let name = path.display();
        assert_eq!(read(limit, cut.clone()), read(limit, [stream]), "{name}");
        assert_eq!(read(NO_LIMIT, cut), reference(stream), "{name}");
        count += 1;
    }
    assert!(count > 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_stream_means_what_the_reference_says(stream in soup(), sizes in vec(0..9usize, 0..60)) {
        prop_assert_eq!(read(NO_LIMIT, chunks(&stream, sizes)), reference(&stream));
    }

    #[test]
    fn the_limit_strikes_at_the_same_item_however_a_stream_is_cut(
        stream in soup(),
        sizes in vec(0..9usize, 0..60),
        limit in 0..40usize,
    ) {
        let cut = read(limit, chunks(&stream, sizes));
        prop_assert_eq!(&cut, &read(limit, [&*stream]));
        prop_assert!(reference(&stream).items.starts_with(&cut.items));
        prop_assert!(stream.len() > limit || !cut.overflowed);
    }
}

/// What reading a stream to its end gives.
#[derive(Debug, PartialEq)]
struct Reading {
    items: Vec<Value>,
    overflowed: bool,
    last_event_id: String,
}

struct Golden {
    name: String,
    stream: Vec<u8>,
    reading: Reading,
}

/// Reads a whole stream with no regard to time or memory: decode, cut into lines, follow §9.2.6.
fn reference(stream: &[u8]) -> Reading {
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop();

    let mut items = Vec::new();
    let (mut data, mut kind) = (String::new(), String::new());
    let (mut id, mut last_event_id) = (String::new(), String::new());
    for line in lines {
        if line.is_empty() {
            last_event_id = id.clone();
            if !data.is_empty() {
                let kind = if kind.is_empty() { "message" } else { &kind };
                items.push(event(kind, &data[..data.len() - 1], &id));
            }
            data.clear();
            kind.clear();
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => items.push(comment()),
            "data" => data = data + value + "\n",
            "event" => kind = value.to_owned(),
            "id" if !value.contains('\0') => id = value.to_owned(),
            "retry" if !value.is_empty() && value.chars().all(|c| c.is_ascii_digit()) => {
                let ms = value.parse::<u64>().unwrap_or(u64::MAX).min((1 << 53) - 1);
                items.push(json!({ "item": "retry", "ms": ms }));
            }
            _ => {}
        }
    }
    Reading {
        items,
        overflowed: false,
        last_event_id,
    }
}

fn read<'a>(limit: usize, chunks: impl IntoIterator<Item = &'a [u8]>) -> Reading {
    let mut parser = Parser::new(limit);
    let mut items = Vec::new();
    let result = chunks
        .into_iter()
        .try_for_each(|chunk| parser.push(chunk, &mut |item| items.push(value(item))));
    let last_event_id = text(parser.last_event_id());
    Reading {
        items,
        overflowed: result.is_err(),
        last_event_id,
    }
}

fn push(parser: &mut Parser, chunk: &[u8]) -> Result<Vec<Value>, Overflow> {
    let mut items = Vec::new();
    parser.push(chunk, &mut |item| items.push(value(item)))?;
    Ok(items)
}

fn value(item: Item<'_>) -> Value {
    match item {
        Item::Event { kind, data, id } => event(&text(kind), &text(data), &text(id)),
        Item::Retry(ms) => json!({ "item": "retry", "ms": ms }),
        Item::Comment => comment(),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn event(kind: &str, data: &str, id: &str) -> Value {
    json!({ "item": "event", "kind": kind, "data": data, "id": id })
}

fn comment() -> Value {
    json!({ "item": "comment" })
}

/// Cuts a stream into chunks of these sizes, and a last one of the rest.
fn chunks(mut rest: &[u8], sizes: impl IntoIterator<Item = usize>) -> Vec<&[u8]> {
    let mut chunks = Vec::new();
    for size in sizes {
        let Some((head, tail)) = rest.split_at_checked(size) else {
            break;
        };
        chunks.push(head);
        rest = tail;
    }
    chunks.push(rest);
    chunks
}

/// Streams made of what means something to a parser, and of anything else.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    const WORDS: &[u8] = b"data|data|data: |event|event:|id|id: 1|retry|retry:9|:|:|:| |x|7|\0|\
        \n|\n|\n\n|\r|\r|\r\n|\r\n\r\n|99999999999999999999|\xEF|\xBB|\xBF|\xEF\xBB\xBF|\xC3\xA9|\
        \xF0\x9F\x98\x80|\xE2\x82|\xED\xA0\x80|\xF4\x90|\xFF";
    let words: Vec<&[u8]> = WORDS.split(|byte| *byte == b'|').collect();
    let word = prop_oneof![
        9 => prop::sample::select(words).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(word, 0..50).prop_map(|words| words.concat())
}

fn golden() -> Vec<Golden> {
    let cases: Vec<Golden> = files("tests/data/sse")
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .map(|path| {
            let json = fs::read(path.with_extension("json")).unwrap();
            let json: Value = serde_json::from_slice(&json).unwrap();
            let reading = Reading {
                items: json["items"].as_array().unwrap().clone(),
                overflowed: false,
                last_event_id: json["last_event_id"].as_str().unwrap().to_owned(),
            };
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            Golden {
                name,
                stream: fs::read(path).unwrap(),
                reading,
            }
        })
        .collect();
    assert!(cases.len() > 50);
    cases
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(folder);
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}
