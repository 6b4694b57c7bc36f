//! What worlds went through, and what went wrong in them.

use core::ops::AddAssign;
use std::collections::BTreeSet;

use throughline_core::Outcome;

use crate::world::World;

/// Counts of what happened, so that a number of runs means something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) tabs: u64,
    /// Links that were made the session's.
    pub(crate) takes: u64,
    /// Of these, in place of a live link on another transport.
    pub(crate) switches: u64,
    /// Sessions that were without a link and have one again.
    pub(crate) returns: u64,
    pub(crate) gaps: u64,
    /// Messages that the server's application heard.
    pub(crate) up: u64,
    /// Messages that the page's application heard.
    pub(crate) down: u64,
    /// Messages that reached the server again.
    pub(crate) doubles_up: u64,
    /// Messages that reached the page again, or on a link that it had dropped.
    pub(crate) doubles_down: u64,
    /// POSTs that the network sent twice.
    pub(crate) repeated: u64,
    /// Links that broke while bytes under way still arrived.
    pub(crate) lingered: u64,
    /// Peer connections whose path went while they were held.
    pub(crate) darkened: u64,
    /// Of these, found another path.
    pub(crate) mended: u64,
    /// Links closed because their page did not read.
    pub(crate) slow: u64,
    pub(crate) sent: u64,
    pub(crate) unknown: u64,
    pub(crate) refused: u64,
    pub(crate) cancelled: u64,
    pub(crate) expired: u64,
    pub(crate) replaced: u64,
    /// Pages that were loaded again and went on with their session.
    pub(crate) reloads: u64,
    /// Tokens of live links that were replaced by fresh ones.
    pub(crate) renewals: u64,
    /// Messages dropped and sessions ended because of the memory ceiling.
    pub(crate) evicted: u64,
    /// Sessions that were closed as asked in the end.
    pub(crate) closed: u64,
    /// Sessions that failed, as they had to.
    pub(crate) failed: u64,
}

impl Tally {
    pub(crate) const fn settle(&mut self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Sent => &mut self.sent,
            Outcome::Unknown => &mut self.unknown,
            Outcome::Closed | Outcome::Full => &mut self.refused,
            Outcome::Cancelled => &mut self.cancelled,
            Outcome::Expired => &mut self.expired,
            Outcome::Replaced => &mut self.replaced,
        };
        *count += 1;
    }

    /// Every count, by name.
    pub(crate) const fn named(&self) -> [(&'static str, u64); 25] {
        [
            ("tabs", self.tabs),
            ("takes", self.takes),
            ("switches", self.switches),
            ("returns", self.returns),
            ("gaps", self.gaps),
            ("messages-up", self.up),
            ("messages-down", self.down),
            ("doubles-up", self.doubles_up),
            ("doubles-down", self.doubles_down),
            ("repeated-posts", self.repeated),
            ("lingered", self.lingered),
            ("darkened", self.darkened),
            ("mended", self.mended),
            ("slow-readers", self.slow),
            ("sent", self.sent),
            ("unknown", self.unknown),
            ("refused", self.refused),
            ("cancelled", self.cancelled),
            ("expired", self.expired),
            ("replaced", self.replaced),
            ("reloads", self.reloads),
            ("renewals", self.renewals),
            ("evicted", self.evicted),
            ("closed", self.closed),
            ("failed", self.failed),
        ]
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.tabs += other.tabs;
        self.takes += other.takes;
        self.switches += other.switches;
        self.returns += other.returns;
        self.gaps += other.gaps;
        self.up += other.up;
        self.down += other.down;
        self.doubles_up += other.doubles_up;
        self.doubles_down += other.doubles_down;
        self.repeated += other.repeated;
        self.lingered += other.lingered;
        self.darkened += other.darkened;
        self.mended += other.mended;
        self.slow += other.slow;
        self.sent += other.sent;
        self.unknown += other.unknown;
        self.refused += other.refused;
        self.cancelled += other.cancelled;
        self.expired += other.expired;
        self.replaced += other.replaced;
        self.reloads += other.reloads;
        self.renewals += other.renewals;
        self.evicted += other.evicted;
        self.closed += other.closed;
        self.failed += other.failed;
    }
}

/// What the two applications' own records say of a world, whatever its invariants said on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Audit {
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) reordered: u64,
}

impl Audit {
    fn read(&mut self, bodies: &[u64]) {
        let mut seen = BTreeSet::new();
        let mut latest = 0;
        for body in bodies {
            let new = seen.insert(*body);
            self.doubled += u64::from(!new);
            self.reordered += u64::from(new && *body < latest);
            latest = latest.max(*body);
        }
    }
}

impl AddAssign for Audit {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.reordered += other.reordered;
    }
}

impl World {
    /// Reads both applications' records. At most once, nothing is promised but that nothing is
    /// repeated.
    pub(crate) fn audit(&mut self) -> Audit {
        let mut audit = Audit::default();
        for session in &self.server.records {
            let mut found = Audit::default();
            found.read(session);
            audit.reordered += found.reordered;
        }
        for tab in 0..=self.others.len() {
            self.focus(tab);
            let (app, heard) = (&self.page.app, self.heard());
            let mut found = Audit::default();
            found.read(heard);
            found.reordered = 0;
            if !self.page.is_json() {
                found.read(&app.log);
                let tab = (tab as u64) << 32;
                let sent = app.sends.iter().zip(tab + 1..);
                let sent = sent.filter(|(outcome, _)| **outcome == Some(Outcome::Sent));
                let heard: BTreeSet<u64> = heard.iter().copied().collect();
                let missing = sent.filter(|(_, body)| !heard.contains(body));
                let skipped = app.log.windows(2).filter(|pair| {
                    let same = pair[0] >> 32 == pair[1] >> 32;
                    same && pair[1] > pair[0] + 1 || !same && pair[1] & 0xffff_ffff != 1
                });
                found.lost += missing.count() as u64 + skipped.count() as u64;
            }
            audit += found;
        }
        audit
    }
}
