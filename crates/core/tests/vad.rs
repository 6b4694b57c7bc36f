//! Who speaks, in rooms that are made up.
#![allow(clippy::unwrap_used)]

use throughline_core::Millis;
use throughline_core::vad::{Config, Speech, Vad};

/// Milliseconds of a frame.
const FRAME: u64 = 20;

/// A room, and what its detector said.
struct Room {
    vad: Vad,
    now: u64,
    noise: f32,
    dice: u32,
    said: Vec<Speech>,
}

impl Room {
    fn new(noise: f32) -> Self {
        let mut room = Self {
            vad: Vad::new(Config::default()),
            now: 1_000,
            noise,
            dice: 1,
            said: Vec::new(),
        };
        room.hear(3_000, 0.0);
        room
    }

    /// Something this loud for so long, over the noise.
    fn hear(&mut self, span: u64, level: f32) {
        for _ in 0..span / FRAME {
            self.now += FRAME;
            self.dice = self
                .dice
                .wrapping_mul(1_664_525)
                .wrapping_add(1_013_904_223);
            // Between 0.8 and 1.2.
            let flicker = 0.8 + (self.dice >> 8) as f32 / (1 << 24) as f32 * 0.4;
            let level = flicker * (self.noise.powi(2) + level.powi(2)).sqrt();
            self.said.extend(self.vad.push(level, Millis(self.now)));
        }
    }

    /// A sentence: syllables with dips between them.
    fn speak(&mut self, span: u64) {
        for _ in 0..span / 300 {
            self.hear(220, 0.1);
            self.hear(80, 0.0);
        }
    }

    fn server(&mut self, speaking: bool) {
        self.said
            .extend(self.vad.server(speaking, Millis(self.now)));
    }

    fn said(&mut self) -> Vec<Speech> {
        core::mem::take(&mut self.said)
    }
}

fn started(at: u64) -> Speech {
    Speech::Started { at: Millis(at) }
}

fn stopped(at: u64) -> Speech {
    Speech::Stopped { at: Millis(at) }
}

/// Silence, a quiet room, an office, a train.
const NOISES: [f32; 4] = [0.0, 0.000_5, 0.004, 0.015];

#[test]
fn a_room_without_a_word_stays_quiet() {
    for noise in NOISES {
        let mut room = Room::new(noise);
        room.hear(600_000, 0.0);
        assert_eq!(room.said(), [], "noise {noise}");
    }
}

#[test]
fn a_sentence_is_told_once_with_its_true_beginning_and_end() {
    for noise in NOISES {
        let mut room = Room::new(noise);
        let begins = room.now;
        room.speak(6_000);
        assert_eq!(room.said(), [started(begins)], "noise {noise}");
        let ends = room.now - 80;
        room.hear(2_000, 0.0);
        assert_eq!(room.said(), [stopped(ends)], "noise {noise}");
    }
}

#[test]
fn it_is_told_within_the_onset_and_the_hangover() {
    let mut room = Room::new(0.001);
    room.hear(40, 0.1);
    assert_eq!(room.said(), []);
    room.hear(20, 0.1);
    assert_eq!(room.said().len(), 1, "after 60 ms");
    room.hear(140, 0.1);
    room.hear(480, 0.0);
    assert_eq!(room.said(), []);
    room.hear(20, 0.0);
    assert_eq!(room.said().len(), 1, "after 500 ms");
}

#[test]
fn a_pause_in_a_sentence_does_not_end_it() {
    let mut room = Room::new(0.004);
    for _ in 0..20 {
        room.speak(900);
        room.hear(400, 0.0);
    }
    assert_eq!(room.said().len(), 1);
    room.hear(100, 0.0);
    assert_eq!(room.said().len(), 1);
}

#[test]
fn clicks_are_no_words() {
    let mut room = Room::new(0.001);
    for _ in 0..200 {
        room.hear(40, 0.8);
        room.hear(100, 0.0);
    }
    assert_eq!(room.said(), []);
}

#[test]
fn a_fan_that_starts_is_taken_for_a_word_for_two_seconds_at_most() {
    let mut room = Room::new(0.001);
    room.noise = 0.03;
    room.hear(20_000, 0.0);
    let said = room.said();
    let [Speech::Started { at: begun }, Speech::Stopped { at: ended }] = said[..] else {
        panic!("{said:?}")
    };
    assert!(ended - begun <= 2_100, "{said:?}");
    let begins = room.now;
    room.hear(1_000, 0.2);
    assert_eq!(room.said(), [started(begins)], "a word over the fan");
}

#[test]
fn a_fan_that_stops_leaves_no_deaf_ear() {
    let mut room = Room::new(0.03);
    room.noise = 0.001;
    room.hear(100, 0.0);
    let begins = room.now;
    room.hear(600, 0.02);
    assert_eq!(room.said(), [started(begins)]);
}

#[test]
fn the_servers_word_goes_before_what_is_heard_here_and_wears_off() {
    let mut room = Room::new(0.001);
    room.server(false);
    room.speak(900);
    assert_eq!(room.said(), [], "an echo, says the server");
    room.speak(900);
    assert_eq!(room.said().len(), 1, "it has been a while");
    let now = room.now;
    room.server(false);
    assert_eq!(room.said(), [stopped(now)], "at once");
    room.hear(3_000, 0.0);
    let now = room.now;
    room.server(true);
    room.server(true);
    assert_eq!(room.said(), [started(now)], "once");
    room.hear(1_400, 0.0);
    assert_eq!(
        room.said(),
        [],
        "nothing is heard here, and the server knows better"
    );
    room.hear(200, 0.0);
    assert_eq!(room.said(), [stopped(now)], "no end before its beginning");
}

#[test]
fn a_hole_in_the_frames_is_silence() {
    let mut room = Room::new(0.001);
    room.speak(900);
    assert_eq!(room.said().len(), 1);
    let ends = room.now - 80;
    room.now += 60_000;
    room.hear(20, 0.0);
    assert_eq!(room.said(), [stopped(ends)]);
    room.now += 60_000;
    room.hear(40, 0.1);
    assert_eq!(
        room.said(),
        [],
        "one frame is no word, whatever came before the hole"
    );
}

#[test]
fn what_is_no_level_is_silence() {
    let mut room = Room::new(0.001);
    for level in [f32::NAN, -1.0, f32::NEG_INFINITY] {
        for _ in 0..100 {
            room.now += FRAME;
            assert_eq!(room.vad.push(level, Millis(room.now)), None, "{level}");
        }
    }
    room.now += FRAME;
    room.vad.push(f32::INFINITY, Millis(room.now));
    let begins = room.now;
    room.hear(200, 0.0);
    room.hear(200, 0.1);
    assert_eq!(room.said(), [started(begins + 200)], "it still hears");
}
