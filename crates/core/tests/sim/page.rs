//! The page: the core, driven as `src/driver.rs` and `src/transport/*.js` drive it.

use rand_core::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro128PlusPlus;
use throughline_core::{
    Cause, Config, Dialect, Ending, Frame, Input, Millis, Output, Report, Session, Ticket,
    TokenReason, Transport,
};

use crate::app::App;
use crate::net::Fault;
use crate::server::NAMED_READY;
use crate::wire::{Down, Frames, Grip, Up, Wire, WireId};
use crate::world::{Happening, World};

/// Milliseconds a POST may take.
const POST_LIMIT: u64 = 10_000;
/// Milliseconds before the next poll where one was answered with nothing.
const EMPTY_PAUSE: u64 = 100;
/// The same where the server knows no frames.
const POLL_INTERVAL: u64 = 3_000;

/// What the token function does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tokens {
    Good,
    /// The next one is refused by the server.
    BadOnce,
    Bad,
    Throws,
    NeverReturns,
}

/// What becomes of late reports of a wire that the core has dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Late {
    Swallowed,
    /// Handed to the core all the same: it must ignore them.
    Reported,
}

pub(crate) struct Page {
    pub(crate) core: Session<u64>,
    pub(crate) config: Config,
    pub(crate) wires: Vec<Wire>,
    pub(crate) app: App,
    pub(crate) tokens: Tokens,
    /// Whether the server takes the token at hand.
    pub(crate) token_is_good: bool,
    token_turn: u32,
    pub(crate) frozen_until: u64,
    /// After a freeze, the overdue alarm rings before what the network brought.
    pub(crate) alarm_first: bool,
    pub(crate) late: Late,
    /// Timeouts in a row that left another one due at once.
    pub(crate) spins: u32,
}

impl Page {
    pub(crate) fn new(seed: u64, config: Config) -> Self {
        let mut bytes = [0; 16];
        Xoshiro128PlusPlus::seed_from_u64(!seed).fill_bytes(&mut bytes);
        Self {
            core: Session::new(config.clone(), bytes),
            token_is_good: !config.has_token,
            config,
            wires: Vec::new(),
            app: App::default(),
            tokens: Tokens::Good,
            token_turn: 0,
            frozen_until: 0,
            alarm_first: true,
            late: Late::Reported,
            spins: 0,
        }
    }

    /// Wires that the page holds.
    pub(crate) fn held(&self) -> impl Iterator<Item = &Wire> {
        self.wires.iter().filter(|wire| wire.grip == Grip::Held)
    }

    pub(crate) fn is_json(&self) -> bool {
        self.config.dialect != Dialect::Throughline
    }
}

impl World {
    /// Takes one input through the core, by the contract of `throughline_core`.
    pub(crate) fn turn(&mut self, input: Input<u64>) {
        let now = Millis(self.now);
        let before = self.before_turn(&input);
        self.page.core.handle(input, now);
        let mut drained = 0;
        while let Some(output) = self.page.core.poll_output() {
            drained += 1;
            assert!(drained < 10_000, "a drain does not end");
            self.perform(output);
        }
        self.after_turn(before);
        self.arm_page();
    }

    fn perform(&mut self, output: Output<u64>) {
        if self.loud {
            println!("{:>8}   -> {output:?}", self.now);
        }
        match output {
            Output::Open {
                attempt, transport, ..
            } => {
                assert_eq!(attempt.0 as usize, self.page.wires.len() + 1);
                self.digest(1 + transport as u64);
                self.page.wires.push(Wire::new(attempt, transport));
                self.page.app.opens.push((self.now, transport));
                self.dial(self.page.wires.len() - 1, transport);
            }
            Output::Transmit { attempt, frames } => {
                self.digest(10 + frames.len() as u64);
                self.transmit(attempt.0 as usize - 1, frames);
            }
            Output::Drop { attempt } => {
                self.digest(20 + u64::from(attempt.0));
                self.let_go(attempt.0 as usize - 1);
            }
            Output::NeedToken(reason) => self.ask_token(reason),
            Output::SideProbe => {
                self.page.app.probes += 1;
                let span = self.net.dial();
                self.after(span, Happening::ProbeSent);
            }
            Output::Event(event) => self.hear(event),
        }
    }

    fn dial(&mut self, wire: WireId, transport: Transport) {
        if let Fault::Here(cause) = self.net.fate(transport) {
            self.after(0, Happening::Broken(wire, Ending::of(cause)));
            return;
        }
        match transport {
            Transport::WebSocket | Transport::Sse => {
                let span = self.net.dial();
                self.send_up(wire, span, Up::Open);
            }
            Transport::LongPoll => {
                let span = self.net.dial();
                self.send_up(wire, span, Up::Poll);
            }
        }
    }

    fn transmit(&mut self, wire: WireId, frames: Frames) {
        assert!(!frames.is_empty(), "a unit carries a frame");
        let found = &mut self.page.wires[wire];
        assert_eq!(found.grip, Grip::Held, "nothing is sent on a dropped wire");
        if found.transport.is_split() {
            found.posts.push_back(frames);
            self.post(wire);
        } else {
            let span = self.net.travel();
            self.send_up(wire, span, Up::Unit(frames));
        }
    }

    /// Sends the next POST, if none is in flight.
    fn post(&mut self, wire: WireId) {
        let found = &mut self.page.wires[wire];
        if found.posting.is_some() {
            return;
        }
        let Some(frames) = found.posts.pop_front() else {
            return;
        };
        found.posted += 1;
        let number = found.posted;
        found.posting = Some(number);
        let span = if number == 1 {
            self.net.dial()
        } else {
            self.net.travel()
        };
        self.after(span, Happening::Up(wire, Up::Post(frames)));
        self.after(POST_LIMIT, Happening::PostLimit(wire, number));
    }

    pub(crate) fn post_limit(&mut self, wire: WireId, post: u32) {
        let found = &self.page.wires[wire];
        if found.posting == Some(post) && found.grip == Grip::Held {
            self.receive(wire, Down::Ended(Ending::of(Cause::PostHung)));
        }
    }

    pub(crate) fn poll(&mut self, wire: WireId) {
        if self.page.wires[wire].grip == Grip::Held {
            let span = self.net.travel();
            self.send_up(wire, span, Up::Poll);
        }
    }

    fn let_go(&mut self, wire: WireId) {
        let found = &mut self.page.wires[wire];
        assert_eq!(found.grip, Grip::Held, "a wire is dropped once");
        found.grip = Grip::Dropped;
        found.posts.clear();
        let span = self.net.travel();
        self.send_up(wire, span, Up::Bye);
    }

    fn send_up(&mut self, wire: WireId, span: u64, up: Up) {
        let at = (self.now + span).max(self.page.wires[wire].up_at);
        self.page.wires[wire].up_at = at;
        self.after(at - self.now, Happening::Up(wire, up));
    }

    /// What a transport does with what came for it.
    pub(crate) fn receive(&mut self, wire: WireId, down: Down) {
        let found = &mut self.page.wires[wire];
        let id = found.attempt;
        if found.grip == Grip::Dropped && self.page.late == Late::Swallowed {
            return;
        }
        match down {
            Down::Opened => {
                self.report(wire, Report::Opened);
                self.page.core.heard(id);
            }
            Down::Unit(frames) => {
                if found.transport.is_split() {
                    self.page.core.heard(id);
                }
                self.read(wire, frames);
            }
            Down::Posted(frames) => {
                found.posting = None;
                self.read(wire, frames);
                self.report(wire, Report::Written);
                self.post(wire);
            }
            Down::Polled(frames) => {
                self.report(wire, Report::Opened);
                self.page.core.heard(id);
                let pause = match (frames.is_empty(), self.page.is_json()) {
                    (false, _) => 0,
                    (true, true) => POLL_INTERVAL,
                    (true, false) => EMPTY_PAUSE,
                };
                self.read(wire, frames);
                if pause == 0 {
                    self.poll(wire);
                } else {
                    self.after(pause, Happening::Repoll(wire));
                }
            }
            Down::Closed { code, retry } => {
                if retry.is_some() {
                    self.read(wire, vec![Frame::Close { code, retry }]);
                }
                let abnormal = code == 1005 || code == 1006;
                let cause = if abnormal { Cause::Lost } else { Cause::Closed };
                let code = if abnormal { 0 } else { code };
                self.report(
                    wire,
                    Report::Ended(Ending {
                        code,
                        ..Ending::of(cause)
                    }),
                );
            }
            Down::Ended(ending) => self.report(wire, Report::Ended(ending)),
        }
    }

    fn report(&mut self, wire: WireId, report: Report<u64>) {
        let found = &self.page.wires[wire];
        let ended = matches!(report, Report::Ended(_));
        let (attempt, held) = (found.attempt, found.grip == Grip::Held);
        self.turn(Input::Report(attempt, report));
        if ended && held {
            assert_eq!(
                self.page.wires[wire].grip,
                Grip::Dropped,
                "an ended wire is dropped"
            );
        }
    }

    /// Takes a unit apart as `receive` in `src/transport/unit.js` does.
    fn read(&mut self, wire: WireId, frames: Frames) {
        let id = self.page.wires[wire].attempt;
        let held = self.page.wires[wire].grip == Grip::Held;
        let mut turn = 0;
        for frame in frames {
            match frame {
                Frame::Message { n, body } | Frame::Reply { n, body, .. } => {
                    if self.page.is_json() && body == NAMED_READY {
                        self.report(wire, Report::Ready);
                        continue;
                    }
                    let verdict = self.page.core.accept(id, n) as u8;
                    turn |= verdict;
                    if verdict & 1 != 0 {
                        assert!(held, "a dropped wire delivers nothing");
                        self.deliver(body);
                        self.page.app.replies += u64::from(matches!(frame, Frame::Reply { .. }));
                    }
                }
                other => self.report(wire, Report::Frame(other)),
            }
        }
        if turn & 2 != 0 {
            self.turn(Input::Timeout);
        }
    }

    pub(crate) fn send(&mut self, request: bool, bytes: u32) {
        self.page.app.sends.push(None);
        let number = self.page.app.sends.len() as u32;
        let (ticket, body) = (Ticket(number), u64::from(number));
        let request = request.then_some(number);
        self.turn(Input::Send {
            ticket,
            request,
            body,
            bytes,
        });
    }

    /// Cancels the last send that is not decided.
    pub(crate) fn cancel(&mut self) {
        if let Some(at) = self.page.app.sends.iter().rposition(Option::is_none) {
            self.turn(Input::Cancel(Ticket(at as u32 + 1)));
        }
    }

    fn ask_token(&mut self, reason: TokenReason) {
        self.page.app.asked.push((self.now, reason));
        self.page.token_turn += 1;
        let turn = self.page.token_turn;
        let span = 1 + self.net.below(40);
        match self.page.tokens {
            Tokens::NeverReturns => {}
            Tokens::Throws => _ = self.after(span, Happening::Token(turn, Err(()))),
            Tokens::Good | Tokens::BadOnce | Tokens::Bad => {
                self.after(span, Happening::Token(turn, Ok(())));
            }
        }
    }

    pub(crate) fn hand_token(&mut self, turn: u32, result: Result<(), ()>) {
        if turn != self.page.token_turn {
            return;
        }
        if result.is_ok() {
            self.page.token_is_good = !matches!(self.page.tokens, Tokens::BadOnce | Tokens::Bad);
            if self.page.tokens == Tokens::BadOnce {
                self.page.tokens = Tokens::Good;
            }
            self.page.app.bad_tokens += u32::from(!self.page.token_is_good);
        }
        self.turn(Input::Token(result));
    }
}
