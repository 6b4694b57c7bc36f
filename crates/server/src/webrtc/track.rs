//! The one way for sound of a peer: G.711 in packets of 20 ms.

use std::time::Instant;

use str0m::format::Codec;
use str0m::media::{Direction, Frequency, MediaAdded, MediaData, MediaKind, MediaTime, Mid};
use str0m::{Rtc, RtcError};

use crate::voice::Law;

/// Samples a millisecond.
const RATE: u64 = 8;

/// A pause of more samples than this between two packets is a pause for the listener too.
const PAUSE: u64 = 60 * RATE;

/// A medium that carries sound both ways.
#[derive(Debug)]
pub(super) struct Track {
    mid: Mid,
    begun: Instant,
    /// Where the next packet begins, in samples.
    next: u64,
}

impl Track {
    /// `None`: nothing can be said there.
    pub(super) fn new(added: &MediaAdded) -> Option<Self> {
        let says = matches!(added.direction, Direction::SendRecv | Direction::SendOnly);
        (added.kind == MediaKind::Audio && says).then(|| Self {
            mid: added.mid,
            begun: Instant::now(),
            next: 0,
        })
    }

    /// What a packet says; `None` in no known codec.
    pub(super) fn read(data: &MediaData) -> Option<Vec<i16>> {
        Some(law_of(data.params.spec().codec)?.decode(&data.data))
    }

    /// Writes a packet. It is lost where the peer takes no such sound.
    pub(super) fn write(
        &mut self,
        rtc: &mut Rtc,
        samples: &[i16],
        now: Instant,
    ) -> Result<(), RtcError> {
        let elapsed = now.saturating_duration_since(self.begun).as_millis() as u64 * RATE;
        let is_talkspurt = elapsed > self.next + PAUSE || self.next == 0;
        let at = match is_talkspurt {
            true => elapsed,
            false => self.next,
        };
        self.next = at + samples.len() as u64;
        let Some(writer) = rtc.writer(self.mid) else {
            return Ok(());
        };
        let known = writer
            .payload_params()
            .find_map(|params| Some((params.pt(), law_of(params.spec().codec)?)));
        let Some((pt, law)) = known else {
            return Ok(());
        };
        let time = MediaTime::new(at, Frequency::EIGHT_KHZ);
        let writer = writer.start_of_talkspurt(is_talkspurt);
        writer.write(pt, now, time, law.encode(samples))
    }
}

const fn law_of(codec: Codec) -> Option<Law> {
    match codec {
        Codec::PCMU => Some(Law::Mu),
        Codec::PCMA => Some(Law::A),
        _ => None,
    }
}
