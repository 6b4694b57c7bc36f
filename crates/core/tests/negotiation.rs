//! A peer connection's negotiation: what it asks for, in which order, and that it always ends.

use proptest::prelude::*;
use throughline_core::negotiation::{
    Ended, Exchange, Gathering, Input, Milestone, Negotiation, Output, Phase, Reach, Refusal, Spans,
};
use throughline_core::{Cause, Millis};

const SPANS: Spans = Spans {
    servers: 3_000,
    offer: 5_000,
    gathering: 1_000,
    exchange: 20_000,
    transport: 15_000,
    mend: 5_000,
    batch: 100,
    checks: 20,
};

struct Rig {
    negotiation: Negotiation<u32>,
    now: Millis,
}

impl Rig {
    fn new(gathering: Gathering) -> Self {
        Self {
            negotiation: Negotiation::new(gathering, SPANS),
            now: Millis(0),
        }
    }

    fn tell(&mut self, input: Input<u32>) -> Vec<Output<u32>> {
        self.negotiation.handle(input, self.now);
        std::iter::from_fn(|| self.negotiation.poll()).collect()
    }

    fn ring(&mut self) -> Vec<Output<u32>> {
        self.now = self.negotiation.poll_timeout().expect("an alarm is set");
        self.tell(Input::Timeout)
    }

    fn exchanging(gathering: Gathering) -> Self {
        let mut rig = Self::new(gathering);
        for input in [Input::Start, Input::Servers, Input::Described] {
            rig.tell(input);
        }
        rig
    }

    fn open(gathering: Gathering) -> Self {
        let mut rig = Self::exchanging(gathering);
        rig.tell(Input::Gathered);
        rig.tell(Input::Answered(Exchange(1)));
        rig.tell(Input::Applied(Exchange(1)));
        let opened = rig.tell(Input::ChannelOpen);
        assert_eq!(opened, [Output::Report(Milestone::Opened)]);
        assert_eq!(rig.negotiation.poll_timeout(), None);
        rig
    }
}

fn refusal(cause: Cause) -> Refusal {
    Refusal {
        cause,
        status: 0,
        retry_after: None,
    }
}

fn ended(phase: Phase, cause: Cause) -> Output<u32> {
    Output::End(Ended {
        phase,
        refusal: refusal(cause),
    })
}

#[test]
fn an_offer_that_can_trickle_goes_out_at_once() {
    let mut rig = Rig::new(Gathering::Trickle);
    assert_eq!(rig.tell(Input::Start), [Output::FindServers]);
    assert_eq!(rig.tell(Input::Servers), [Output::Describe]);
    let described = rig.tell(Input::Described);
    let offered = Output::Report(Milestone::Offered);
    assert_eq!(described, [Output::SendOffer(Exchange(1)), offered]);
    assert_eq!(rig.tell(Input::Candidate(Reach::Host, 7)), []);
    let answered = rig.tell(Input::Answered(Exchange(1)));
    assert_eq!(answered, [Output::Apply(Exchange(1))]);
    let held = Output::SendCandidates(Exchange(2), vec![7]);
    assert_eq!(rig.ring(), [held]);
    assert_eq!(rig.tell(Input::Candidate(Reach::Host, 8)), []);
    assert_eq!(rig.tell(Input::Answered(Exchange(2))), []);
    assert_eq!(rig.tell(Input::Candidate(Reach::Host, 9)), []);
    let due = Millis(SPANS.checks + SPANS.batch);
    assert_eq!(rig.negotiation.poll_timeout(), Some(due));
    let batch = Output::SendCandidates(Exchange(3), vec![8, 9]);
    assert_eq!(rig.ring(), [batch]);
}

#[test]
fn candidates_are_kept_where_the_checks_do_without() {
    let mut rig = Rig::new(Gathering::Trickle);
    for input in [Input::Start, Input::Servers, Input::Described] {
        rig.tell(input);
    }
    rig.tell(Input::Candidate(Reach::Host, 7));
    rig.tell(Input::Answered(Exchange(1)));
    rig.tell(Input::Applied(Exchange(1)));
    let opened = rig.tell(Input::ChannelOpen);
    assert_eq!(opened, [Output::Report(Milestone::Opened)]);
    assert_eq!(rig.negotiation.poll_timeout(), None);
}

#[test]
fn an_offer_that_cannot_trickle_waits_for_a_candidate_from_beyond_this_host() {
    let mut rig = Rig::exchanging(Gathering::Bounded);
    assert_eq!(rig.tell(Input::Candidate(Reach::Host, 1)), []);
    let beyond = rig.tell(Input::Candidate(Reach::Beyond, 2));
    assert_eq!(beyond, [Output::SendOffer(Exchange(1))]);
    assert_eq!(rig.tell(Input::Gathered), [], "it is sent once");
}

#[test]
fn gathering_is_cut_short() {
    let mut rig = Rig::exchanging(Gathering::Bounded);
    assert_eq!(rig.ring(), [Output::SendOffer(Exchange(1))]);
    assert_eq!(rig.now, Millis(SPANS.gathering));
}

#[test]
fn servers_that_are_late_are_done_without() {
    let mut rig = Rig::new(Gathering::Trickle);
    rig.tell(Input::Start);
    assert_eq!(rig.ring(), [Output::Describe]);
    assert_eq!(rig.now, Millis(SPANS.servers));
    assert_eq!(rig.tell(Input::Servers), [], "they come too late");
}

#[test]
fn each_phase_has_its_deadline() {
    let mut offering = Rig::new(Gathering::Trickle);
    offering.tell(Input::Start);
    offering.tell(Input::Servers);
    assert_eq!(offering.ring(), [ended(Phase::Offer, Cause::Hang)]);
    assert_eq!(offering.now, Millis(SPANS.offer));

    let mut exchanging = Rig::exchanging(Gathering::Trickle);
    let hung = exchanging.ring();
    assert_eq!(hung, [Output::Abort, ended(Phase::Exchange, Cause::Hang)]);
    assert_eq!(exchanging.now, Millis(SPANS.exchange));

    let mut connecting = Rig::exchanging(Gathering::Trickle);
    connecting.tell(Input::Answered(Exchange(1)));
    connecting.tell(Input::Applied(Exchange(1)));
    assert_eq!(connecting.ring(), [ended(Phase::Transport, Cause::Hang)]);
    assert_eq!(connecting.now, Millis(SPANS.transport));
    assert_eq!(connecting.negotiation.poll_timeout(), None);
}

#[test]
fn a_refusal_keeps_its_status_and_its_hint() {
    let mut rig = Rig::exchanging(Gathering::Trickle);
    let busy = Refusal {
        cause: Cause::Status,
        status: 503,
        retry_after: Some(7_000),
    };
    let over = Ended {
        phase: Phase::Exchange,
        refusal: busy,
    };
    let refused = rig.tell(Input::Refused(Exchange(1), busy));
    assert_eq!(refused, [Output::End(over)], "nothing is left to abort");
    assert_eq!(rig.negotiation.poll_timeout(), None);
}

#[test]
fn an_answer_that_is_none_ends_it() {
    let mut rig = Rig::exchanging(Gathering::Trickle);
    rig.tell(Input::Answered(Exchange(1)));
    let unapplied = rig.tell(Input::Unapplied(Exchange(1)));
    assert_eq!(unapplied, [ended(Phase::Answer, Cause::Protocol)]);
}

#[test]
fn what_an_earlier_exchange_brings_does_nothing() {
    let mut rig = Rig::open(Gathering::Trickle);
    rig.tell(Input::Mend);
    let restart = rig.tell(Input::Described);
    assert_eq!(restart, [Output::SendRestart(Exchange(2))]);
    assert_eq!(rig.tell(Input::Answered(Exchange(1))), []);
    let stale = Input::Refused(Exchange(1), refusal(Cause::Refused));
    assert_eq!(rig.tell(stale), []);
    let answered = rig.tell(Input::Answered(Exchange(2)));
    assert_eq!(answered, [Output::Apply(Exchange(2))]);
    let applied = rig.tell(Input::Applied(Exchange(2)));
    assert_eq!(applied, [Output::Report(Milestone::Mended)]);
}

#[test]
fn a_restart_that_nobody_answers_is_taken_back_and_the_link_goes_on() {
    let mut rig = Rig::open(Gathering::Trickle);
    assert_eq!(rig.tell(Input::Mend), [Output::Redescribe]);
    assert_eq!(rig.tell(Input::Mend), [], "one at a time");
    rig.tell(Input::Described);
    let begun = rig.now;
    assert_eq!(rig.ring(), [Output::Abort, Output::Rollback]);
    assert_eq!(rig.now - begun, SPANS.mend);
    assert_eq!(rig.negotiation.poll_timeout(), None);
    assert_eq!(rig.tell(Input::Mend), [Output::Redescribe], "a later one");
}

#[test]
fn a_restart_gives_up_candidates_of_the_old_credentials() {
    let mut rig = Rig::open(Gathering::Trickle);
    rig.tell(Input::Candidate(Reach::Host, 1));
    rig.ring();
    rig.tell(Input::Candidate(Reach::Host, 2));
    assert_eq!(rig.tell(Input::Mend), [Output::Abort, Output::Redescribe]);
    rig.tell(Input::Described);
    rig.tell(Input::Candidate(Reach::Host, 3));
    rig.tell(Input::Answered(Exchange(3)));
    let applied = rig.tell(Input::Applied(Exchange(3)));
    let fresh = Output::SendCandidates(Exchange(4), vec![3]);
    assert_eq!(applied, [Output::Report(Milestone::Mended), fresh]);
}

#[test]
fn a_channel_that_closes_ends_it_at_once() {
    let mut rig = Rig::open(Gathering::Bounded);
    assert_eq!(rig.tell(Input::Gone), [ended(Phase::Open, Cause::Lost)]);
    assert_eq!(rig.tell(Input::Gone), []);
    assert_eq!(rig.tell(Input::Mend), []);
}

/// What a walk does next: time passes, or somebody says something, in order or not.
#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Say(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..8_000u64).prop_map(Step::Wait),
        (0..16u8).prop_map(Step::Say),
    ];
    proptest::collection::vec(step, 0..60)
}

/// The world around a negotiation: which exchange is on its way, and what was reported.
#[derive(Default)]
struct World {
    flying: Option<Exchange>,
    last: u32,
    /// When it was open, or ended before.
    settled: Option<Millis>,
    ended: bool,
}

impl World {
    fn perform(&mut self, rig: &mut Rig) {
        while let Some(output) = rig.negotiation.poll() {
            assert!(!self.ended, "{output:?} after the end");
            match output {
                Output::SendOffer(exchange)
                | Output::SendRestart(exchange)
                | Output::SendCandidates(exchange, _) => {
                    assert_eq!(self.flying.replace(exchange), None, "two exchanges");
                    assert!(exchange.0 > self.last, "numbers grow");
                    self.last = exchange.0;
                }
                Output::Abort => assert!(self.flying.take().is_some(), "nothing to abort"),
                Output::Report(Milestone::Opened) => {
                    assert_eq!(self.settled.replace(rig.now), None, "opened twice");
                }
                Output::End(_) => {
                    self.settled.get_or_insert(rig.now);
                    self.ended = true;
                }
                Output::Report(_)
                | Output::FindServers
                | Output::Describe
                | Output::Redescribe
                | Output::Apply(_)
                | Output::Rollback => {}
            }
        }
        if self.ended {
            assert_eq!(self.flying, None, "an exchange outlives the end");
            assert_eq!(rig.negotiation.poll_timeout(), None, "a timer is left");
        }
    }

    fn input(&mut self, say: u8) -> Input<u32> {
        let stale = Exchange(self.last.saturating_sub(1));
        let flown = |world: &mut Self| world.flying.take().unwrap_or(stale);
        match say {
            0 => Input::Servers,
            1 | 2 => Input::Described,
            3 => Input::Undescribed,
            4 => Input::Candidate(Reach::Host, 1),
            5 => Input::Candidate(Reach::Beyond, 2),
            6 => Input::Gathered,
            7 | 8 => Input::Answered(flown(self)),
            9 => Input::Refused(flown(self), refusal(Cause::Refused)),
            10 => Input::Applied(Exchange(self.last)),
            11 => Input::Unapplied(stale),
            12 => Input::ChannelOpen,
            13 => Input::Gone,
            14 => Input::Mend,
            _ => Input::Applied(stale),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn every_start_is_open_or_ended_within_the_sum_of_its_deadlines(
        trickle: bool,
        steps in steps(),
    ) {
        let gathering = if trickle { Gathering::Trickle } else { Gathering::Bounded };
        let (mut rig, mut world) = (Rig::new(gathering), World::default());
        rig.negotiation.handle(Input::Start, rig.now);
        world.perform(&mut rig);
        for step in steps {
            match step {
                Step::Say(say) => {
                    let input = world.input(say);
                    rig.negotiation.handle(input, rig.now);
                    world.perform(&mut rig);
                }
                Step::Wait(span) => {
                    let until = rig.now + span;
                    while let Some(due) = rig.negotiation.poll_timeout().filter(|due| *due <= until) {
                        rig.now = due;
                        rig.negotiation.handle(Input::Timeout, rig.now);
                        world.perform(&mut rig);
                        prop_assert!(rig.negotiation.poll_timeout() != Some(due), "it rings for nothing");
                    }
                    rig.now = until;
                }
            }
        }
        // Nobody says anything any more.
        while let Some(due) = rig.negotiation.poll_timeout() {
            rig.now = rig.now.max(due);
            rig.negotiation.handle(Input::Timeout, rig.now);
            world.perform(&mut rig);
        }
        let settled = world.settled.map_or(u64::MAX, |at| at.0);
        prop_assert!(settled <= SPANS.sum(), "settled after {settled} ms");
    }
}
