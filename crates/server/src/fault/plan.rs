//! What the rules in force mean for one request.

use std::time::Duration;

use hyper::StatusCode;

use super::class::Class;
use super::kind::Kind;
use super::rule::Fault;
use super::shape::{Drip, Hold, Shape};

/// Says what becomes of one request.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) verdict: Verdict,
    pub(super) delay: Duration,
    pub(super) drip: Option<Drip>,
    pub(super) hold: Hold,
    pub(super) cut_after: Option<Duration>,
    /// The kinds that take effect, in the rules' order.
    pub(super) applied: Vec<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Forward,
    Refuse {
        status: StatusCode,
        retry_after: Option<u32>,
    },
    Reset,
    Hang,
    Swallow,
    Flap {
        after: Duration,
        pass: bool,
    },
}

impl Plan {
    /// Merges the rules that select `class`: of several verdicts the first rule's stands, and of
    /// several delays, drips, holds or cuts the last rule's.
    pub(super) fn new(rules: &[Fault], class: Class) -> Self {
        let mut plan = Self {
            verdict: Verdict::Forward,
            delay: Duration::ZERO,
            drip: None,
            hold: Hold::Nothing,
            cut_after: None,
            applied: Vec::new(),
        };
        for rule in rules.iter().filter(|rule| rule.selects(class)) {
            plan.apply(rule);
        }
        plan
    }

    /// Returns the shape of the bytes towards the client.
    pub(super) fn downlink(&self) -> Shape {
        Shape {
            delay: self.delay,
            drip: self.drip,
        }
    }

    /// Returns the shape of the bytes towards the server.
    pub(super) fn uplink(&self) -> Shape {
        Shape {
            delay: self.delay,
            drip: None,
        }
    }

    fn apply(&mut self, rule: &Fault) {
        let verdict = match *rule.kind() {
            Kind::Refuse403 {} => Self::refusal(StatusCode::FORBIDDEN, None),
            Kind::Post404 {} => Self::refusal(StatusCode::NOT_FOUND, None),
            Kind::Status { code, retry_after } => Self::refusal(code.status(), retry_after),
            Kind::Rst {} | Kind::Down {} => Some(Verdict::Reset),
            Kind::Hang {} | Kind::PostHang {} => Some(Verdict::Hang),
            Kind::Swallow {} => Some(Verdict::Swallow),
            Kind::Flap { ms, pass } => Some(Verdict::Flap {
                after: ms.duration(),
                pass,
            }),
            Kind::MuteSse {} => {
                self.hold = Hold::Forever;
                None
            }
            Kind::Buffer { bytes } => {
                self.hold = Hold::Until(bytes.count());
                None
            }
            Kind::Delay { ms } => {
                self.delay = ms.duration();
                None
            }
            Kind::SlowDrip { bytes, ms } => {
                self.drip = Some(Drip {
                    bytes: bytes.count(),
                    every: ms.duration(),
                });
                None
            }
            Kind::CutAfter { ms } => {
                self.cut_after = Some(ms.duration());
                None
            }
        };
        match verdict {
            Some(_) if self.verdict != Verdict::Forward => {}
            Some(verdict) => {
                self.verdict = verdict;
                self.applied.push(rule.name());
            }
            None => self.applied.push(rule.name()),
        }
    }

    fn refusal(status: StatusCode, retry_after: Option<u32>) -> Option<Verdict> {
        Some(Verdict::Refuse {
            status,
            retry_after,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_verdict_stands_and_shapes_join_it() {
        let rules = [
            Fault::delay(Duration::from_millis(5)),
            Fault::swallow(),
            Fault::refuse403(),
            Fault::mute_sse(),
        ];
        let plan = Plan::new(&rules, Class::Websocket);
        assert_eq!(plan.verdict, Verdict::Swallow);
        assert_eq!(plan.delay, Duration::from_millis(5));
        assert_eq!(plan.applied, ["delay", "swallow"]);
        let plan = Plan::new(&rules, Class::Sse);
        assert_eq!((plan.verdict, plan.hold), (Verdict::Forward, Hold::Forever));
        assert!(Plan::new(&rules, Class::Other).applied.is_empty());
    }
}
