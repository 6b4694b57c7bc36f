//! What ended an attempt or a link, and what that means: one table, [`Ending::verdict`].

use crate::frame::Transport;

/// Close codes of our own (P5.3): 44nn mirrors HTTP 4nn, 45nn mirrors 5nn.
pub mod code {
    /// The session was closed as asked.
    pub const NORMAL: u16 = 1000;
    /// The server leaves the link.
    pub const GOING_AWAY: u16 = 1001;
    /// The link broke a rule of the protocol.
    pub const PROTOCOL: u16 = 4400;
    /// The token is missing, wrong or expired.
    pub const UNAUTHORIZED: u16 = 4401;
    /// The subject or the origin may not.
    pub const FORBIDDEN: u16 = 4403;
    /// No `hello` came in time.
    pub const HELLO_TIMEOUT: u16 = 4408;
    /// Another link or page took the session.
    pub const REPLACED: u16 = 4409;
    /// A unit was larger than the limit.
    pub const TOO_LARGE: u16 = 4413;
    /// Too many messages, too many bytes buffered, or too many sessions.
    pub const SLOW_DOWN: u16 = 4429;
    /// The server failed.
    pub const INTERNAL: u16 = 4500;
    /// The server is going away or full: come back later.
    pub const TRY_LATER: u16 = 4503;
}

/// The diagnosed cause of an ending: what a person would call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Cause {
    /// The application asked for it.
    Asked = 0,
    /// Refused or reset before it opened; browsers hide why.
    Refused = 1,
    /// Nothing answered the opening within its deadline.
    Hang = 2,
    /// A WebSocket opened and then stayed silent past the proof-of-life deadline.
    Swallowed = 3,
    /// A stream opened and its bytes were held back.
    Muted = 4,
    /// Opened or even became ready, and was cut within seconds.
    Flapped = 5,
    /// A link that had been useful was cut.
    Lost = 6,
    /// A link fell silent for longer than heartbeats allow.
    HalfOpen = 7,
    /// An HTTP answer with a status that is not success.
    Status = 8,
    /// The other side closed with a close code.
    Closed = 9,
    /// The browser refused to try: content security policy, or a `ws:` address on an `https:` page.
    Blocked = 10,
    /// The address is not a valid one.
    BadAddress = 11,
    /// The application or the host says that this transport is not available.
    Unavailable = 12,
    /// The other side sent what the protocol forbids, or more than the limits allow.
    Protocol = 13,
    /// A POST got no answer in time.
    PostHung = 14,
    /// The token function threw, rejected or never settled.
    Token = 15,
    /// No attempt succeeded within the whole connect deadline.
    Deadline = 16,
    /// A lesser attempt that another one won from.
    Superseded = 17,
    /// The server asked everyone to move.
    Goaway = 18,
    /// The endpoint or session function threw, rejected or never settled.
    Endpoint = 19,
    /// A stream ended as its platform's time limit has it, and the next one goes on where it was:
    /// [`Cause::Lost`] where that is not at once.
    Cut = 20,
    /// A plain server's messages came, but none of those that name it ready.
    NotReady = 21,
}

/// Why an attempt or a link ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// The diagnosed cause.
    pub cause: Cause,
    /// The transport it happened on, if on one.
    pub transport: Option<Transport>,
    /// Close code, 0 if none was seen.
    pub code: u16,
    /// HTTP status, 0 if none was seen.
    pub status: u16,
    /// Milliseconds the server asked us to wait.
    pub retry_after: Option<u32>,
}

/// What to do about an [`Ending`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Try again, after the backoff's delay, or the server's where that is longer.
    Retry,
    /// Ask for a fresh token once, then try again.
    RefreshToken,
    /// This transport will not work here: try another; fail when all say so.
    SwitchTransport,
    /// Stop: the application must act.
    Stop,
}

impl Ending {
    /// An ending with nothing but its cause.
    #[must_use]
    pub const fn of(cause: Cause) -> Self {
        Self {
            cause,
            transport: None,
            code: 0,
            status: 0,
            retry_after: None,
        }
    }

    /// The close code or HTTP status that was seen, 0 if none was.
    #[must_use]
    pub const fn number(&self) -> u32 {
        match (self.code, self.status) {
            (0 | 1005 | 1006, status) => status as u32,
            (code, _) => code as u32,
        }
    }

    /// Decides what follows. A status or close code that was seen speaks before the cause.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        let by_number = match (self.code, self.status) {
            (0, 0) => None,
            (0, status) => verdict_of_status(status),
            (code, _) => verdict_of_code(code),
        };
        match by_number {
            Some(verdict) => verdict,
            None => verdict_of_cause(self.cause),
        }
    }
}

const fn verdict_of_status(status: u16) -> Option<Verdict> {
    match status {
        401 => Some(Verdict::RefreshToken),
        408 | 425 | 429 | 500..=599 => match status {
            501 | 505 => Some(Verdict::SwitchTransport),
            _ => Some(Verdict::Retry),
        },
        413 => Some(Verdict::Stop),
        400..=499 => Some(Verdict::SwitchTransport),
        300..=399 => Some(Verdict::SwitchTransport),
        _ => None,
    }
}

/// As registered with IANA, for plain servers.
const IANA_UNAUTHORIZED: u16 = 3000;
const IANA_FORBIDDEN: u16 = 3003;

/// RFC 6455 §7.4 for 1xxx, P5.3 for 44nn and 45nn.
const fn verdict_of_code(code: u16) -> Option<Verdict> {
    match code {
        1000 | 1001 | 1005 | 1006 | 1011..=1015 => None,
        1002 | 1003 | 1007 | 1010 => Some(Verdict::SwitchTransport),
        1008 | 1009 => Some(Verdict::Stop),
        code::UNAUTHORIZED | IANA_UNAUTHORIZED => Some(Verdict::RefreshToken),
        IANA_FORBIDDEN => Some(Verdict::Stop),
        4404 | code::HELLO_TIMEOUT | 4425 | code::SLOW_DOWN => Some(Verdict::Retry),
        4400..=4499 => Some(Verdict::Stop),
        4500..=4599 => Some(Verdict::Retry),
        _ => Some(Verdict::Retry),
    }
}

const fn verdict_of_cause(cause: Cause) -> Verdict {
    match cause {
        Cause::Asked => Verdict::Stop,
        Cause::Blocked | Cause::BadAddress | Cause::Unavailable => Verdict::SwitchTransport,
        Cause::Refused
        | Cause::Hang
        | Cause::Swallowed
        | Cause::Muted
        | Cause::Flapped
        | Cause::Lost
        | Cause::HalfOpen
        | Cause::Status
        | Cause::Closed
        | Cause::Protocol
        | Cause::PostHung
        | Cause::Token
        | Cause::Deadline
        | Cause::Superseded
        | Cause::Goaway
        | Cause::Endpoint
        | Cause::Cut
        | Cause::NotReady => Verdict::Retry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16) -> Verdict {
        Ending {
            status,
            ..Ending::of(Cause::Status)
        }
        .verdict()
    }

    fn closed(code: u16) -> Verdict {
        Ending {
            code,
            ..Ending::of(Cause::Closed)
        }
        .verdict()
    }

    #[test]
    fn statuses_keep_their_meaning() {
        assert_eq!(status(401), Verdict::RefreshToken);
        assert_eq!(status(403), Verdict::SwitchTransport);
        assert_eq!(status(413), Verdict::Stop);
        assert_eq!(status(404), Verdict::SwitchTransport);
        assert_eq!(status(426), Verdict::SwitchTransport);
        assert_eq!(status(429), Verdict::Retry);
        assert_eq!(status(503), Verdict::Retry);
    }

    #[test]
    fn close_codes_mirror_statuses() {
        assert_eq!(closed(code::UNAUTHORIZED), Verdict::RefreshToken);
        assert_eq!(closed(code::FORBIDDEN), Verdict::Stop);
        assert_eq!(closed(code::REPLACED), Verdict::Stop);
        assert_eq!(closed(code::SLOW_DOWN), Verdict::Retry);
        assert_eq!(closed(code::TRY_LATER), Verdict::Retry);
        assert_eq!(closed(1006), Verdict::Retry);
        assert_eq!(closed(3000), Verdict::RefreshToken);
        assert_eq!(closed(3003), Verdict::Stop);
        assert_eq!(closed(1008), Verdict::Stop);
        assert_eq!(closed(4007), Verdict::Retry);
    }
}
