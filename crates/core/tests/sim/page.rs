//! The page: the core, driven as `src/driver.rs` and `src/transport/*.js` drive it.

use rand_core::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro128PlusPlus;
use throughline_core::{Config, Dialect, Input, Millis, Output, Session, Ticket, TokenReason};

use crate::app::App;
use crate::wire::{Grip, Wire};
use crate::world::{Happening, World};

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
            ttl: None,
            replaces: None,
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
