//! A link lives as long as its token (P2.7).

use super::{LinkId, Sessions, Subject};
use crate::close::code;
use crate::frame::Frame;
use crate::time::Millis;

/// How long a link's token lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// It does not expire.
    Endless,
    /// The client is to be told at `warn`.
    Fresh { warn: Millis, end: Millis },
    /// The client was told.
    Warned { end: Millis },
}

impl Lifetime {
    /// The life of a token that was good at `now`, of which the client is told `notice` before its
    /// end, or when a third of it is left.
    pub(super) fn new(end: Option<Millis>, notice: u32, now: Millis) -> Self {
        let Some(end) = end else {
            return Self::Endless;
        };
        let life = end - now;
        let warn = now + (life - u64::from(notice).min(life / 3));
        Self::Fresh { warn, end }
    }

    /// When it wants to be looked at.
    pub(super) const fn deadline(self) -> Option<Millis> {
        match self {
            Self::Endless => None,
            Self::Fresh { warn, .. } => Some(warn),
            Self::Warned { end } => Some(end),
        }
    }
}

/// What the time makes of a lifetime.
enum Due {
    Nothing,
    Warning { end: Millis },
    End,
}

impl Lifetime {
    fn due(self, now: Millis) -> Due {
        match self {
            Self::Fresh { end, .. } | Self::Warned { end } if end <= now => Due::End,
            Self::Fresh { warn, end } if warn <= now => Due::Warning { end },
            Self::Endless | Self::Fresh { .. } | Self::Warned { .. } => Due::Nothing,
        }
    }
}

impl<B: Clone> Sessions<B> {
    pub(super) fn handle_auth(
        &mut self,
        id: LinkId,
        subject: &Subject,
        expires: Option<Millis>,
        now: Millis,
    ) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        let Some(key) = link.session() else {
            return self.close(id, code::PROTOCOL, None, now);
        };
        let owner = self.sessions.get(&key).map(|session| &session.subject);
        if owner != Some(subject) {
            return self.close(id, code::FORBIDDEN, None, now);
        }
        link.lifetime = Lifetime::new(expires, self.config.expiring, now);
        if self.see_lifetime(id, now) {
            self.watch_link(id);
        }
    }

    /// Warns of the token's end, or ends the link with it. False: it ended.
    pub(super) fn see_lifetime(&mut self, id: LinkId, now: Millis) -> bool {
        let Some(link) = self.links.get_mut(&id) else {
            return false;
        };
        match link.lifetime.due(now) {
            Due::Nothing => true,
            Due::Warning { end } => {
                link.lifetime = Lifetime::Warned { end };
                let ms = u32::try_from(end - now).unwrap_or(u32::MAX);
                self.write(id, Frame::Expiring { ms }, 0, now);
                true
            }
            Due::End => {
                self.close(id, code::UNAUTHORIZED, None, now);
                false
            }
        }
    }
}
