//! A microphone that is on and hears nothing.
#![cfg(feature = "voice")]

use throughline_core::Millis;
use throughline_core::watch::{Change, Watch};

#[test]
fn two_seconds_of_zeros_are_told_once_and_so_is_the_sound_after_them() {
    let mut watch = Watch::new(Millis(0));
    let level = |now: u64| match now {
        5_000..6_000 | 7_900.. => 0.1,
        _ => 0.0,
    };
    let told: Vec<_> = (0..400)
        .map(|frame| frame * 20)
        .filter_map(|now| Some((now, watch.turn(Some(level(now)), Millis(now))?)))
        .collect();
    assert_eq!(told, [(2_000, Change::Silent), (5_000, Change::Heard)]);
}

#[test]
fn frames_that_stay_away_are_silence() {
    let mut watch = Watch::new(Millis(100));
    assert_eq!(watch.turn(Some(0.5), Millis(200)), None);
    assert_eq!(watch.turn(None, Millis(2_199)), None);
    assert_eq!(watch.turn(None, Millis(2_200)), Some(Change::Silent));
    assert_eq!(watch.turn(None, Millis(9_000)), None);
}
