//! The world: a page, a network, a server, and what happens between them in virtual time.

use throughline_core::server::SessionsConfig;
use throughline_core::{Config, Ending, Input, Millis, StateKind, Transport};

use crate::acts::Act;
use crate::net::Net;
use crate::page::Page;
use crate::queue::{INLINE, Key, Queue};
use crate::server::Server;
use crate::tally::Tally;
use crate::wire::{Down, PageId, Path, Up, Wire, WireId};

/// Something that happens at a moment.
#[derive(Debug, Clone)]
pub(crate) enum Happening {
    Alarm(PageId),
    ServerAlarm,
    Up(WireId, Up),
    Down(WireId, Down),
    /// The page learns that a connection broke, whatever its path does.
    Broken(WireId, Ending),
    /// A flapping connection breaks.
    CutOne(WireId),
    /// The server learns that a link's connection broke.
    Reset(u64),
    /// The page's limit for a POST.
    PostLimit(WireId, u32),
    Repoll(WireId),
    /// A peer connection's offer stands.
    Offer(WireId),
    /// A round of connectivity checks, so long after the first.
    Check(WireId, u64),
    /// A dark path is light again.
    Relit(WireId, u32),
    /// A dark path is given up.
    Failed(WireId, u32),
    /// An ICE restart is at the door.
    Patched(WireId),
    /// The application reads a message that arrived on this page.
    Read(PageId),
    /// A split link's way down is awaited no longer.
    Lonely(u64, u32),
    Token(PageId, u32, Result<(), ()>),
    ProbeSent(PageId),
    Probed(PageId, u16, Option<u32>),
    /// In this tab, if it is a matter of one.
    Act(usize, Act),
}

pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) net: Net,
    /// Every wire there ever was.
    pub(crate) wires: Vec<Wire>,
    /// The page that has the turn.
    pub(crate) page: Box<Page>,
    /// The pages in other tabs.
    pub(crate) others: Vec<Page>,
    pub(crate) server: Server,
    queue: Queue<Happening>,
    server_alarm: Option<(u64, Key)>,
    pub(crate) seed: u64,
    /// A digest of all that happened.
    pub(crate) hash: u64,
    pub(crate) loud: bool,
    pub(crate) fortune: Fortune,
    pub(crate) tally: Tally,
}

/// Whether what was planned still happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fortune {
    Open,
    Calm,
}

impl World {
    pub(crate) fn new(seed: u64, config: Config) -> Self {
        Self::with(seed, config, SessionsConfig::default())
    }

    pub(crate) fn with(seed: u64, config: Config, server: SessionsConfig) -> Self {
        Self {
            seed,
            now: 0,
            net: Net::new(seed),
            wires: Vec::new(),
            page: Box::new(Page::new(seed, PageId { tab: 0, load: 0 }, config)),
            others: Vec::new(),
            server: Server::new(server),
            queue: Queue::new(),
            server_alarm: None,
            hash: 0xcbf2_9ce4_8422_2325,
            loud: false,
            fortune: Fortune::Open,
            tally: Tally::default(),
        }
    }

    /// A world with the defaults.
    pub(crate) fn plain() -> Self {
        Self::new(1, Config::default())
    }

    pub(crate) fn connect(&mut self) {
        self.turn(Input::Connect);
    }

    /// Connects and waits for a session with its first message.
    pub(crate) fn settled(seed: u64, config: Config) -> Self {
        let mut world = Self::new(seed, config);
        world.connect();
        world.until(60_000, |world| world.page.app.delivered > 0);
        world
    }

    pub(crate) fn after(&mut self, span: u64, happening: Happening) -> Key {
        self.queue.push(self.now + span, INLINE, happening)
    }

    pub(crate) fn plan(&mut self, at: u64, act: Act) {
        self.plan_in(self.page.id.tab, at, act);
    }

    pub(crate) fn plan_in(&mut self, tab: usize, at: u64, act: Act) {
        self.queue.push(at, INLINE, Happening::Act(tab, act));
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, span: u64) {
        let end = self.now + span;
        while self.step(end) {}
        self.now = end;
    }

    /// Lets time pass until `done`, and returns how long that took.
    pub(crate) fn until(&mut self, limit: u64, done: impl Fn(&Self) -> bool) -> u64 {
        let start = self.now;
        while !done(self) {
            assert!(
                self.step(start + limit),
                "not done after {limit} ms: {:?} on {:?}, {:?}",
                self.page.core.state(),
                self.page.core.transport(),
                self.page.app.troubles,
            );
        }
        self.now - start
    }

    fn step(&mut self, end: u64) -> bool {
        let Some((key, happening)) = self.queue.pop(end) else {
            return false;
        };
        let at = key.0;
        self.now = at;
        let owner = self.owner(&happening);
        if let Some((id, current)) = owner {
            self.focus(id.tab);
            if current && self.page.id != id {
                return true;
            }
        }
        let until = self.page.frozen_until;
        if until > at && happening.is_the_pages() {
            let alarm = matches!(happening, Happening::Alarm(_));
            let rank = match (alarm, self.page.alarm_first) {
                (true, true) => INLINE - 1,
                (true, false) => INLINE + 1,
                (false, _) => INLINE,
            };
            let key = self.queue.put_off(key, until, rank, happening);
            if let (true, Some(alarm)) = (alarm, &mut self.page.alarm) {
                alarm.1 = key;
            }
            return true;
        }
        self.digest(at);
        if self.loud {
            println!("{at:>8} {happening:?}");
        }
        self.happen(happening);
        true
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Alarm(_) => {
                self.page.alarm = None;
                self.turn(Input::Timeout);
            }
            Happening::ServerAlarm => {
                self.server_alarm = None;
                self.serve(throughline_core::server::Input::Timeout);
            }
            Happening::Up(wire, up) => self.arrive(wire, up),
            Happening::Down(wire, down) => {
                if self.keep_down(wire, &down) {
                    return;
                }
                if !matches!(down, Down::Posted(_)) {
                    self.wires[wire].flying -= 1;
                }
                match self.wires[wire].path {
                    Path::Live | Path::Deaf | Path::Dark => self.receive(wire, down),
                    Path::Muted if matches!(down, Down::Opened | Down::Posted(_)) => {
                        self.receive(wire, down);
                    }
                    Path::Dead | Path::Muted | Path::Lingering => {}
                }
            }
            Happening::CutOne(wire) => self.cut_one(wire),
            Happening::Broken(wire, ending) => self.receive(wire, Down::Ended(ending)),
            Happening::Reset(link) => self.reset(link),
            Happening::PostLimit(wire, post) => self.post_limit(wire, post),
            Happening::Repoll(wire) => self.poll(wire),
            Happening::Offer(wire) => self.offer(wire),
            Happening::Check(wire, since) => self.check(wire, since),
            Happening::Relit(wire, turn) => self.relight(wire, turn),
            Happening::Failed(wire, turn) => self.fail_path(wire, turn),
            Happening::Patched(wire) => self.patch(wire),
            Happening::Read(_) => self.read_one(),
            Happening::Lonely(link, turn) => self.lonely(link, turn),
            Happening::Token(_, turn, result) => self.hand_token(turn, result),
            Happening::ProbeSent(_) => self.answer_probe(),
            Happening::Probed(_, status, retry_after) => {
                self.turn(Input::SideProbe {
                    status,
                    retry_after,
                });
            }
            Happening::Act(_, act) => match self.fortune {
                Fortune::Open => self.act(act),
                Fortune::Calm => {}
            },
        }
    }

    /// The page's alarm rings no more.
    pub(crate) fn disarm_page(&mut self) {
        if let Some((_, key)) = self.page.alarm.take() {
            self.queue.cancel(key);
        }
    }

    pub(crate) fn arm_page(&mut self) {
        let (id, ahead) = (self.page.id, self.page.ahead);
        let due = self.page.core.poll_timeout();
        let due = due.map(|at| at - Millis(ahead));
        if self.page.alarm.map(|(at, _)| at) == due {
            return;
        }
        if let Some((_, key)) = self.page.alarm.take() {
            self.queue.cancel(key);
        }
        self.page.alarm = due.map(|at| {
            let alarm = Happening::Alarm(id);
            (at, self.queue.push(at.max(self.now), INLINE, alarm))
        });
    }

    pub(crate) fn arm_server(&mut self) {
        let due = self.server.poll_timeout();
        if self.server_alarm.map(|(at, _)| at) == due {
            return;
        }
        if let Some((_, key)) = self.server_alarm.take() {
            self.queue.cancel(key);
        }
        self.server_alarm = due.map(|at| {
            (
                at,
                self.queue
                    .push(at.max(self.now), INLINE, Happening::ServerAlarm),
            )
        });
    }

    /// Whose turn it is, and whether it is only that very page's.
    fn owner(&self, happening: &Happening) -> Option<(PageId, bool)> {
        match happening {
            Happening::Alarm(page)
            | Happening::Read(page)
            | Happening::Token(page, ..)
            | Happening::ProbeSent(page)
            | Happening::Probed(page, ..) => Some((*page, true)),
            Happening::Down(wire, _)
            | Happening::Broken(wire, _)
            | Happening::PostLimit(wire, _)
            | Happening::Offer(wire)
            | Happening::Check(wire, _)
            | Happening::Relit(wire, _)
            | Happening::Repoll(wire) => Some((self.wires[*wire].page, true)),
            Happening::Up(wire, _)
            | Happening::Failed(wire, _)
            | Happening::Patched(wire)
            | Happening::CutOne(wire) => Some((self.wires[*wire].page, false)),
            Happening::Act(tab, _) => Some((PageId { tab: *tab, load: 0 }, false)),
            Happening::ServerAlarm | Happening::Reset(_) | Happening::Lonely(..) => None,
        }
    }

    pub(crate) fn digest(&mut self, number: u64) {
        self.hash = (self.hash ^ number).wrapping_mul(0x0100_0000_01b3);
    }

    pub(crate) fn state(&self) -> StateKind {
        self.page.core.state()
    }

    /// Whether the session is connected on `transport`.
    pub(crate) fn is_on(&self, transport: Transport) -> bool {
        self.state() == StateKind::Connected && self.page.core.transport() == Some(transport)
    }
}

impl Happening {
    /// Whether it waits while the page is frozen.
    const fn is_the_pages(&self) -> bool {
        match self {
            Self::Alarm(_)
            | Self::Down(..)
            | Self::Broken(..)
            | Self::PostLimit(..)
            | Self::Repoll(_)
            | Self::Offer(_)
            | Self::Check(..)
            | Self::Relit(..)
            | Self::Read(_)
            | Self::Token(..)
            | Self::Probed(..) => true,
            Self::ServerAlarm
            | Self::Up(..)
            | Self::CutOne(_)
            | Self::Failed(..)
            | Self::Patched(_)
            | Self::Reset(_)
            | Self::Lonely(..)
            | Self::ProbeSent(_) => false,
            Self::Act(_, act) => match act {
                Act::Woke
                | Act::NetworkChanged
                | Act::Send { .. }
                | Act::Fleeting { .. }
                | Act::Latest { .. }
                | Act::Reload
                | Act::Cancel
                | Act::Connect
                | Act::Close => true,
                Act::Fault(..)
                | Act::FaultOnPosts(_)
                | Act::FaultOnAll(_)
                | Act::Offline
                | Act::Online
                | Act::Cut
                | Act::Linger
                | Act::HalfOpen
                | Act::Mute
                | Act::Deafen
                | Act::Stall(_)
                | Act::Repeats(_)
                | Act::ClockJump(_)
                | Act::ServerClockJump(_)
                | Act::PathLost
                | Act::Udp(_)
                | Act::Mending(_)
                | Act::Delay { .. }
                | Act::Freeze(_)
                | Act::Down
                | Act::Up { .. }
                | Act::Goaway(_)
                | Act::Drain(_)
                | Act::Tokens(_)
                | Act::Publish(_)
                | Act::Heal => false,
            },
        }
    }
}
