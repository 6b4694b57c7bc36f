//! A peer connection's negotiation for the page, which has the connection: numbers in, numbers out. Candidates are
//! indices, the page keeps their text. What each number says: `src/transport/webrtc/numbers.js`.

use throughline_core::Millis;
use throughline_core::negotiation::{
    Ended, Exchange, Gathering, Input, Negotiation as Core, Output, Reach, Refusal, Spans,
};
use wasm_bindgen::prelude::*;

use crate::causes;
use crate::numbers::{Numbers, spelled};

/// One connection's negotiation.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Negotiation {
    core: Core<u32>,
    numbers: Numbers,
}

#[wasm_bindgen]
impl Negotiation {
    /// Makes one that has not started; with `wait`, the offer waits for candidates.
    #[wasm_bindgen(constructor)]
    pub fn new(wait: bool) -> Self {
        let gathering = if wait {
            Gathering::Bounded
        } else {
            Gathering::Trickle
        };
        Self {
            core: Core::new(gathering, Spans::default()),
            numbers: Numbers::default(),
        }
    }

    /// Tells it one thing that happened at `now` and returns how many numbers say what to do about it: when to ring
    /// comes first. What follows `kind` is an exchange, or a candidate's index and whether it is this host's.
    #[allow(clippy::too_many_arguments)]
    pub fn tell(&mut self, now: f64, kind: u8, a: u32, b: u8, status: u16, wait: f64) -> usize {
        let (now, exchange) = (Millis(now as u64), Exchange(a));
        let input = match kind {
            0 => Input::Start,
            1 => Input::Servers,
            2 => Input::Described,
            3 => Input::Undescribed,
            4 if b > 0 => Input::Candidate(Reach::Host, a),
            4 => Input::Candidate(Reach::Beyond, a),
            5 => Input::Gathered,
            6 => Input::Answered(exchange),
            7 => Input::Refused(
                exchange,
                Refusal {
                    cause: causes::reported(b),
                    status,
                    retry_after: causes::span(wait),
                },
            ),
            8 => Input::Applied(exchange),
            9 => Input::Unapplied(exchange),
            10 => Input::ChannelOpen,
            11 => Input::Gone,
            12 => Input::Mend,
            _ => Input::Timeout,
        };
        self.numbers.clear();
        self.core.handle(input, now);
        let due = self.core.poll_timeout();
        self.numbers.put(spelled(due.map(|due| due - now)));
        while let Some(output) = self.core.poll() {
            self.numbers.step(output);
        }
        self.numbers.len()
    }

    /// Reads the next of the numbers that the last call announced.
    pub fn take(&mut self) -> f64 {
        self.numbers.take() as f64
    }
}

impl Numbers {
    /// Spells an output: its number, then what belongs to it.
    fn step(&mut self, output: Output<u32>) -> &mut Self {
        match output {
            Output::FindServers => self.put(0),
            Output::Describe => self.put(1),
            Output::Redescribe => self.put(2),
            Output::SendOffer(Exchange(n)) => self.put(3).put(n.into()),
            Output::SendRestart(Exchange(n)) => self.put(4).put(n.into()),
            Output::SendCandidates(Exchange(n), candidates) => {
                self.put(5).put(n.into()).put(candidates.len() as i64);
                for candidate in candidates {
                    self.put(candidate.into());
                }
                self
            }
            Output::Abort => self.put(6),
            Output::Apply(Exchange(n)) => self.put(7).put(n.into()),
            Output::Rollback => self.put(8),
            Output::Report(milestone) => self.put(9).put(milestone as i64),
            Output::End(Ended { phase, refusal }) => {
                let Refusal {
                    cause,
                    status,
                    retry_after,
                } = refusal;
                let cause = causes::spelled(cause);
                self.put(10)
                    .put(phase as i64)
                    .put(cause)
                    .put(status.into())
                    .put(spelled(retry_after.map(u64::from)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(
        negotiation: &mut Negotiation,
        now: f64,
        kind: u8,
        [a, b, status]: [u32; 3],
        wait: f64,
    ) -> Vec<f64> {
        let count = negotiation.tell(now, kind, a, b as u8, status as u16, wait);
        (0..count).map(|_| negotiation.take()).collect()
    }

    #[test]
    fn a_connection_opens_and_is_mended_by_numbers() {
        let mut negotiation = Negotiation::new(false);
        let mut turn = |now, kind, a, b| told(&mut negotiation, now, kind, [a, b, 0], -1.0);
        assert_eq!(turn(0.0, 0, 0, 0), [3_000.0, 0.0]);
        assert_eq!(turn(10.0, 1, 0, 0), [5_000.0, 1.0]);
        // The offer goes out at once.
        assert_eq!(turn(20.0, 2, 0, 0), [20_000.0, 3.0, 1.0, 9.0, 0.0]);
        assert_eq!(turn(30.0, 4, 0, 1), [19_990.0]);
        assert_eq!(turn(40.0, 4, 1, 0), [19_980.0]);
        assert_eq!(turn(50.0, 6, 1, 0), [20.0, 7.0, 1.0]);
        // What another exchange says is nothing.
        assert_eq!(turn(60.0, 8, 2, 0), [10.0]);
        assert_eq!(turn(60.0, 8, 1, 0), [10.0, 9.0, 1.0]);
        // No path yet: the candidates that were held go, by their indices.
        let candidates = [5_000.0, 5.0, 2.0, 2.0, 0.0, 1.0];
        assert_eq!(turn(70.0, 13, 0, 0), candidates);
        assert_eq!(turn(75.0, 6, 2, 0), [14_975.0]);
        assert_eq!(turn(80.0, 10, 0, 0), [-1.0, 9.0, 2.0]);
        assert_eq!(turn(90.0, 12, 0, 0), [5_000.0, 2.0]);
        assert_eq!(turn(90.0, 2, 0, 0), [5_000.0, 4.0, 3.0]);
        assert_eq!(turn(5_090.0, 13, 0, 0), [-1.0, 6.0, 8.0]);
        // Lost while it was open.
        assert_eq!(turn(6_000.0, 11, 0, 0), [-1.0, 10.0, 4.0, 1.0, 0.0, -1.0]);
    }

    #[test]
    fn a_refusal_comes_back_as_it_was_told() {
        let mut negotiation = Negotiation::new(false);
        for kind in 0..3 {
            told(&mut negotiation, 0.0, kind, [0; 3], -1.0);
        }
        let ended = told(&mut negotiation, 1.0, 7, [1, 2, 503], 7_000.0);
        assert_eq!(ended, [-1.0, 10.0, 1.0, 2.0, 503.0, 7_000.0]);
    }

    #[test]
    fn whatever_it_is_told_it_answers() {
        let mut negotiation = Negotiation::new(true);
        let mut word = 1u32;
        for step in 0..100_000 {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (kind, n) = ((word >> 24) as u8 % 16, word >> 16 & 7);
            let wait = f64::from(n) - 3.0;
            let numbers = told(&mut negotiation, f64::from(step), kind, [n, n, n], wait);
            assert!(!numbers.is_empty());
            if numbers.contains(&10.0) {
                negotiation = Negotiation::new(n > 3);
            }
        }
    }
}
