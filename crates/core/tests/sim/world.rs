//! The world: a page, a network, a server, and what happens between them in virtual time.

use throughline_core::server::SessionsConfig;
use throughline_core::{Config, Ending, Input, StateKind, Transport};

use crate::acts::Act;
use crate::net::Net;
use crate::page::Page;
use crate::queue::{INLINE, Key, Queue};
use crate::server::Server;
use crate::wire::{Down, Path, Up, WireId};

/// Something that happens at a moment.
#[derive(Debug, Clone)]
pub(crate) enum Happening {
    Alarm,
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
    /// A split link's way down is awaited no longer.
    Lonely(u64, u32),
    Token(u32, Result<(), ()>),
    ProbeSent,
    Probed(u16, Option<u64>),
    Act(Act),
}

pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) net: Net,
    pub(crate) page: Page,
    pub(crate) server: Server,
    queue: Queue<Happening>,
    page_alarm: Option<(u64, Key)>,
    server_alarm: Option<(u64, Key)>,
    /// A digest of all that happened.
    pub(crate) hash: u64,
    pub(crate) loud: bool,
    pub(crate) fortune: Fortune,
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
            now: 0,
            net: Net::new(seed),
            page: Page::new(seed, config),
            server: Server::new(server),
            queue: Queue::new(),
            page_alarm: None,
            server_alarm: None,
            hash: 0xcbf2_9ce4_8422_2325,
            loud: false,
            fortune: Fortune::Open,
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
        self.queue.push(at, INLINE, Happening::Act(act));
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
        let until = self.page.frozen_until;
        if until > at && happening.is_the_pages() {
            let alarm = matches!(happening, Happening::Alarm);
            let rank = match (alarm, self.page.alarm_first) {
                (true, true) => INLINE - 1,
                (true, false) => INLINE + 1,
                (false, _) => INLINE,
            };
            let key = self.queue.put_off(key, until, rank, happening);
            if let (true, Some(alarm)) = (alarm, &mut self.page_alarm) {
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
            Happening::Alarm => {
                self.page_alarm = None;
                self.turn(Input::Timeout);
            }
            Happening::ServerAlarm => {
                self.server_alarm = None;
                self.serve(throughline_core::server::Input::Timeout);
            }
            Happening::Up(wire, up) => self.arrive(wire, up),
            Happening::Down(wire, down) => match self.page.wires[wire].path {
                Path::Live => self.receive(wire, down),
                Path::Muted if matches!(down, Down::Opened | Down::Posted(_)) => {
                    self.receive(wire, down);
                }
                Path::Dead | Path::Muted => {}
            },
            Happening::CutOne(wire) => self.cut_one(wire),
            Happening::Broken(wire, ending) => self.receive(wire, Down::Ended(ending)),
            Happening::Reset(link) => self.reset(link),
            Happening::PostLimit(wire, post) => self.post_limit(wire, post),
            Happening::Repoll(wire) => self.poll(wire),
            Happening::Lonely(link, turn) => self.lonely(link, turn),
            Happening::Token(turn, result) => self.hand_token(turn, result),
            Happening::ProbeSent => self.answer_probe(),
            Happening::Probed(status, retry_after) => {
                self.turn(Input::SideProbe {
                    status,
                    retry_after,
                });
            }
            Happening::Act(act) => match self.fortune {
                Fortune::Open => self.act(act),
                Fortune::Calm => {}
            },
        }
    }

    pub(crate) fn arm_page(&mut self) {
        let due = self.page.core.poll_timeout().map(|at| at.0);
        if self.page_alarm.map(|(at, _)| at) == due {
            return;
        }
        if let Some((_, key)) = self.page_alarm.take() {
            self.queue.cancel(key);
        }
        self.page_alarm = due.map(|at| {
            (
                at,
                self.queue.push(at.max(self.now), INLINE, Happening::Alarm),
            )
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
            Self::Alarm
            | Self::Down(..)
            | Self::Broken(..)
            | Self::PostLimit(..)
            | Self::Repoll(_)
            | Self::Token(..)
            | Self::Probed(..) => true,
            Self::ServerAlarm
            | Self::Up(..)
            | Self::CutOne(_)
            | Self::Reset(_)
            | Self::Lonely(..)
            | Self::ProbeSent => false,
            Self::Act(act) => match act {
                Act::Offline
                | Act::Online
                | Act::Woke
                | Act::NetworkChanged
                | Act::Send { .. }
                | Act::Cancel
                | Act::Close => true,
                Act::Fault(..)
                | Act::FaultOnPosts(_)
                | Act::FaultOnAll(_)
                | Act::Cut
                | Act::HalfOpen
                | Act::Mute
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
