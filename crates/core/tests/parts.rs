//! Annex D: units on a data channel, whole and in parts.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use throughline_core::parts::{Joiner, Kind, Message, PART_BYTES, PartError, cut};

const LIMIT: usize = 1 << 20;

/// What is written to the channel for a unit.
fn messages(unit: &[u8], kind: Kind) -> Vec<(Kind, Vec<u8>)> {
    cut(unit, kind)
        .map(|message| match message {
            Message::Whole(unit) => (kind, unit.to_vec()),
            Message::Part { head, bytes } => (Kind::Binary, [&head, bytes].concat()),
        })
        .collect()
}

fn unit(bytes: usize) -> Vec<u8> {
    // As a binary unit begins: a header's length, which is not 0.
    (0..bytes).map(|i| (i % 251) as u8 + 1).collect()
}

fn part(flags: u8, bytes: usize) -> Vec<u8> {
    [&[0, 0, flags][..], &unit(bytes)].concat()
}

fn push(joiner: &mut Joiner, message: &[u8]) -> Result<bool, PartError> {
    joiner
        .push(Kind::Binary, message)
        .map(|unit| unit.is_some())
}

/// D2
#[test]
fn a_unit_that_fits_is_one_message_of_its_kind() {
    for kind in [Kind::Text, Kind::Binary] {
        for bytes in [1, 2, PART_BYTES] {
            assert_eq!(messages(&unit(bytes), kind), [(kind, unit(bytes))]);
        }
    }
}

/// D2
#[test]
fn a_larger_unit_goes_in_parts_that_say_which_is_the_last() {
    let unit = unit(2 * PART_BYTES + 1);
    for (kind, flags) in [(Kind::Binary, [0, 0, 1]), (Kind::Text, [2, 2, 3])] {
        let sent = messages(&unit, kind);
        assert!(sent.iter().all(|(kind, _)| *kind == Kind::Binary));
        let heads: Vec<_> = sent.iter().map(|(_, m)| (m[0], m[1], m[2])).collect();
        assert_eq!(heads, flags.map(|flag| (0, 0, flag)));
        let sizes: Vec<_> = sent.iter().map(|(_, m)| m.len() - 3).collect();
        assert_eq!(sizes, [PART_BYTES, PART_BYTES, 1]);
    }
}

/// D3
#[test]
fn what_is_no_part_or_stands_between_parts_is_an_error() {
    let broken = [
        vec![vec![0, 0]],
        vec![part(0, 0)],
        vec![part(1, 0)],
        vec![part(4, 10)],
        vec![part(128, 10)],
        vec![part(0, PART_BYTES + 1)],
        vec![part(0, 10), unit(10)],
        vec![part(0, 10), part(3, 10)],
        vec![part(2, 10), part(1, 10)],
        vec![part(0, 10), Vec::new()],
    ];
    for messages in broken {
        let mut joiner = Joiner::new(LIMIT);
        let (last, first) = messages.split_last().unwrap();
        assert!(first.iter().all(|m| push(&mut joiner, m) == Ok(false)));
        let error = push(&mut joiner, last).unwrap_err();
        assert_eq!((error, error.code()), (PartError::Broken, 4400));
    }
    let mut joiner = Joiner::new(LIMIT);
    assert_eq!(push(&mut joiner, &part(0, 10)), Ok(false));
    let text = joiner.push(Kind::Text, b"[]");
    assert_eq!(text, Err(PartError::Broken), "text between parts");
}

/// D3
#[test]
fn a_unit_over_the_limit_is_refused_when_it_crosses_it_and_not_kept() {
    let mut joiner = Joiner::new(100);
    for whole in [Kind::Text, Kind::Binary] {
        let refused = joiner.push(whole, &[7; 101]).unwrap_err();
        assert_eq!((refused, refused.code()), (PartError::TooLarge, 4413));
        assert!(joiner.push(whole, &[7; 100]).unwrap().is_some());
    }
    assert_eq!(push(&mut joiner, &part(0, 60)), Ok(false));
    assert_eq!(push(&mut joiner, &part(0, 40)), Ok(false));
    let refused = push(&mut joiner, &part(1, 1));
    assert_eq!(refused, Err(PartError::TooLarge));
    assert_eq!(push(&mut joiner, &part(1, 100)), Ok(true), "a new unit");
}

/// A text unit may begin with anything, zero bytes too.
#[test]
fn only_binary_messages_are_parts() {
    let mut joiner = Joiner::new(LIMIT);
    let unit = joiner.push(Kind::Text, b"\0\0\x01").unwrap().unwrap();
    assert_eq!((unit.kind, &*unit.bytes), (Kind::Text, &b"\0\0\x01"[..]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// D2: units come out as they went in, however large, one after another.
    #[test]
    fn what_is_cut_is_joined(
        units in prop::collection::vec((1usize..400_000, any::<bool>()), 1..6),
    ) {
        let mut joiner = Joiner::new(LIMIT);
        for (bytes, text) in units {
            let kind = if text { Kind::Text } else { Kind::Binary };
            let unit = unit(bytes);
            let sent = messages(&unit, kind);
            let (last, first) = sent.split_last().unwrap();
            for (kind, message) in first {
                prop_assert_eq!(joiner.push(*kind, message), Ok(None));
            }
            let joined = joiner.push(last.0, &last.1).unwrap().unwrap();
            prop_assert_eq!(joined.kind, kind);
            prop_assert!(*joined.bytes == *unit);
        }
    }

    /// Whatever comes, nothing larger than the limit comes out, and an error leaves nothing behind.
    #[test]
    fn whatever_comes_stays_within_the_limit(
        messages in prop::collection::vec(
            (any::<bool>(), prop::collection::vec(0u8..4, 0..40)), 0..40,
        ),
    ) {
        let mut joiner = Joiner::new(64);
        for (text, message) in messages {
            let kind = if text { Kind::Text } else { Kind::Binary };
            match joiner.push(kind, &message) {
                Ok(Some(unit)) => prop_assert!(unit.bytes.len() <= 64),
                Ok(None) => {}
                Err(_) => prop_assert!(push(&mut joiner, &part(1, 1)) == Ok(true)),
            }
        }
    }
}
