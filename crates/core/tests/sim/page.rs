//! The page: the core, driven as `src/driver.rs` and `src/transport/*.js` drive it.

use std::collections::VecDeque;

use rand_core::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro128PlusPlus;
use throughline_core::{Config, Dialect, Input, Millis, Output, Session, Ticket, TokenReason};

use crate::app::{App, Letter};
use crate::queue::Key;
use crate::reload::Stored;
use crate::wire::{PageId, Wire, WireId};
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

/// When the application reads what arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// At once; acks do not wait for it.
    Eager,
    /// After so many milliseconds; acks wait for it.
    Slow(u64),
}

pub(crate) struct Page {
    pub(crate) id: PageId,
    pub(crate) core: Session<u64>,
    pub(crate) config: Config,
    /// Wires by attempt.
    pub(crate) wires: Vec<WireId>,
    pub(crate) held: Vec<WireId>,
    pub(crate) alarm: Option<(u64, Key)>,
    /// What the page's clock is ahead of the world's.
    pub(crate) ahead: u64,
    pub(crate) app: App,
    pub(crate) stored: Stored,
    pub(crate) reader: Reader,
    /// What arrived and was not read yet, and how many gaps had been told then.
    pub(crate) unread: VecDeque<(u32, u64)>,
    /// The last offset of this session that arrived, that was read, that was acknowledged.
    pub(crate) accepted: u64,
    pub(crate) read: u64,
    pub(crate) acknowledged: u64,
    pub(crate) tokens: Tokens,
    /// Whether the server takes the token at hand, and until when.
    pub(crate) token_is_good: bool,
    pub(crate) token_until: u64,
    token_turn: u32,
    pub(crate) frozen_until: u64,
    /// After a freeze, the overdue alarm rings before what the network brought.
    pub(crate) alarm_first: bool,
    pub(crate) late: Late,
    /// Timeouts in a row that left another one due at once.
    pub(crate) spins: u32,
}

impl Page {
    pub(crate) fn new(seed: u64, id: PageId, config: Config) -> Self {
        let mut bytes = [0; 16];
        let seed = !seed ^ (id.tab as u64) << 40 ^ u64::from(id.load) << 48;
        Xoshiro128PlusPlus::seed_from_u64(seed).fill_bytes(&mut bytes);
        Self {
            id,
            core: Session::new(config.clone(), bytes),
            token_is_good: !config.has_token,
            config,
            wires: Vec::new(),
            held: Vec::new(),
            alarm: None,
            ahead: 0,
            app: App::default(),
            stored: Stored::default(),
            reader: Reader::Eager,
            unread: VecDeque::new(),
            accepted: 0,
            read: 0,
            acknowledged: 0,
            tokens: Tokens::Good,
            token_until: u64::MAX,
            token_turn: 0,
            frozen_until: 0,
            alarm_first: true,
            late: Late::Reported,
            spins: 0,
        }
    }

    /// What a send carries: its tab and its ticket.
    pub(crate) const fn body(&self, ticket: Ticket) -> u64 {
        (self.id.tab as u64) << 32 | ticket.0 as u64
    }

    pub(crate) fn is_json(&self) -> bool {
        self.config.dialect != Dialect::Throughline
    }
}

impl World {
    /// Lets the page of `tab` have the turn.
    pub(crate) fn focus(&mut self, tab: usize) {
        let others = &mut self.others;
        if let Some(at) = others.iter().position(|page| page.id.tab == tab) {
            core::mem::swap(&mut *self.page, &mut others[at]);
        }
    }

    /// Opens another tab on the same server, with the same configuration.
    pub(crate) fn add_tab(&mut self, seed: u64) {
        let tab = self.others.len() + 1;
        let config = self.page.config.clone();
        let page = Page::new(seed, PageId { tab, load: 0 }, config);
        self.others.push(page);
        self.server.heard.push(Vec::new());
    }

    pub(crate) const fn tabs(&self) -> core::ops::RangeInclusive<usize> {
        0..=self.others.len()
    }

    pub(crate) fn pages(&self) -> impl Iterator<Item = &Page> {
        core::iter::once(&*self.page).chain(&self.others)
    }

    /// Tabs with a page of which this is so.
    pub(crate) fn tabs_in(&mut self, is_so: impl Fn(&Self) -> bool) -> Vec<usize> {
        let mut tabs: Vec<usize> = self.tabs().collect();
        tabs.retain(|tab| {
            self.focus(*tab);
            is_so(self)
        });
        tabs
    }

    /// Tabs whose session is not over.
    pub(crate) fn open_tabs(&mut self) -> Vec<usize> {
        self.tabs_in(|world| !world.state().policy().terminal)
    }

    /// Lets the application take its time for each message; acks wait for it.
    pub(crate) fn read_slowly(&mut self, span: u64) {
        self.page.reader = Reader::Slow(span);
        self.page.core.delivered(0);
    }

    /// The time on the page's clock.
    pub(crate) fn page_now(&self) -> Millis {
        Millis(self.now + self.page.ahead)
    }

    /// Wires that the page holds.
    pub(crate) fn held(&self) -> impl Iterator<Item = &Wire> {
        self.page.held.iter().map(|wire| &self.wires[*wire])
    }

    /// What the server heard from this tab, in order.
    pub(crate) fn heard(&self) -> &[u64] {
        &self.server.heard[self.page.id.tab]
    }

    /// Takes one input through the core, by the contract of `throughline_core`.
    pub(crate) fn turn(&mut self, input: Input<u64>) {
        let now = self.page_now();
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
                let wire = self.wires.len();
                self.page.wires.push(wire);
                self.page.held.push(wire);
                assert_eq!(attempt.0 as usize, self.page.wires.len());
                self.digest(1 + transport as u64);
                self.wires.push(Wire::new(self.page.id, attempt, transport));
                self.page.app.opens.push((self.now, transport));
                self.dial(wire, transport);
            }
            Output::Transmit { attempt, frames } => {
                self.digest(10 + frames.len() as u64);
                let wire = self.page.wires[attempt.0 as usize - 1];
                self.observe_sent(&frames);
                self.store_unit(wire, &frames);
                self.transmit(wire, frames);
            }
            Output::Drop { attempt } => {
                self.digest(20 + u64::from(attempt.0));
                self.let_go(self.page.wires[attempt.0 as usize - 1]);
            }
            Output::Mend { attempt } => {
                self.digest(30 + u64::from(attempt.0));
                self.ask_mend(self.page.wires[attempt.0 as usize - 1]);
            }
            Output::NeedToken(reason) => self.ask_token(reason),
            Output::SideProbe => {
                self.page.app.probes += 1;
                let span = self.net.dial();
                self.after(span, Happening::ProbeSent(self.page.id));
            }
            Output::Note(_) => {}
            Output::Event(event) => self.hear(event),
        }
    }

    pub(crate) fn send(&mut self, letter: Letter) {
        let app = &mut self.page.app;
        app.sends.push(None);
        app.letters.push(letter);
        let ticket = Ticket(app.sends.len() as u32);
        let replaces = letter.key.and_then(|key| app.latest.insert(key, ticket));
        self.hand_over(ticket, replaces);
    }

    /// Hands a send to the core.
    pub(crate) fn hand_over(&mut self, ticket: Ticket, replaces: Option<Ticket>) {
        let letter = self.page.app.letter(ticket);
        self.turn(Input::Send {
            ticket,
            request: letter.request.then_some(ticket.0),
            body: self.page.body(ticket),
            bytes: letter.bytes,
            ttl: letter.left(self.now),
            replaces,
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
        let (id, turn) = (self.page.id, self.page.token_turn);
        let span = 1 + self.net.below(40);
        match self.page.tokens {
            Tokens::NeverReturns => {}
            Tokens::Throws => _ = self.after(span, Happening::Token(id, turn, Err(()))),
            Tokens::Good | Tokens::BadOnce | Tokens::Bad => {
                self.after(span, Happening::Token(id, turn, Ok(())));
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
            let life = self.server.token_life;
            self.page.token_until = life.map_or(u64::MAX, |life| self.now + life);
            self.page.app.bad_tokens += u32::from(!self.page.token_is_good);
        }
        self.turn(Input::Token(result));
    }
}
