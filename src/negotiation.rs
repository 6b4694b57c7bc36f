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
        self.numbers.put(&[spelled(due.map(|due| due - now))]);
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
    fn step(&mut self, output: Output<u32>) {
        match output {
            Output::FindServers => self.put(&[0]),
            Output::Describe => self.put(&[1]),
            Output::Redescribe => self.put(&[2]),
            Output::SendOffer(Exchange(n)) => self.put(&[3, n.into()]),
            Output::SendRestart(Exchange(n)) => self.put(&[4, n.into()]),
            Output::SendCandidates(Exchange(n), candidates) => {
                self.put(&[5, n.into(), candidates.len() as i64]);
                for candidate in candidates {
                    self.put(&[candidate.into()]);
                }
            }
            Output::Abort => self.put(&[6]),
            Output::Apply(Exchange(n)) => self.put(&[7, n.into()]),
            Output::Rollback => self.put(&[8]),
            Output::Report(milestone) => self.put(&[9, milestone as i64]),
            Output::End(Ended { phase, refusal }) => {
                let Refusal {
                    cause,
                    status,
                    retry_after,
                } = refusal;
                let cause = causes::spelled(cause);
                self.put(&[10, phase as i64, cause, status.into(), spelled(retry_after)]);
            }
        }
    }
}
