//! One alarm for everything that waits.

use alloc::collections::BTreeSet;

use super::{LinkId, SessionKey};
use crate::time::Millis;

/// Who an alarm is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Link(LinkId),
    Session(SessionKey),
}

/// Alarms by time. Each link and session keeps the moment of its own beside it; an alarm that rings
/// early is set again, which is cheaper than moving it with each frame.
#[derive(Debug, Default)]
pub(super) struct Alarms(BTreeSet<(Millis, Who)>);

impl Alarms {
    /// Makes `who`'s alarm ring at `at` or before.
    pub(super) fn arm(&mut self, who: Who, alarm: &mut Option<Millis>, at: Millis) {
        if alarm.is_some_and(|earlier| earlier <= at) {
            return;
        }
        self.disarm(who, alarm.replace(at));
        self.0.insert((at, who));
    }

    pub(super) fn disarm(&mut self, who: Who, alarm: Option<Millis>) {
        if let Some(at) = alarm {
            self.0.remove(&(at, who));
        }
    }

    pub(super) fn first(&self) -> Option<Millis> {
        self.0.first().map(|(at, _)| *at)
    }

    pub(super) fn pop_due(&mut self, now: Millis) -> Option<Who> {
        self.first().filter(|at| *at <= now)?;
        self.0.pop_first().map(|(_, who)| who)
    }
}
