// What crosses between the page and the core, by number.

// What the core is told: `Core::tell` in src/session.rs.
export const CONNECT = 0;
export const CLOSE = 1;
export const CANCEL = 2;
export const TOKEN = 3;
export const TIMEOUT = 4;
export const ENVIRONMENT = 5;
export const SIDE_PROBE = 6;
export const SEND = 7;
export const KEPT = 8;
// Of an attempt or link, which comes first.
export const OPENED = 9;
export const READY = 10;
export const WRITTEN = 11;
export const ENDED = 12;
export const OFFERED = 20;
export const ANSWERED = 21;
export const MENDED = 22;

// Why an attempt or a link ended, as a transport reports it: src/causes.rs.
export const REFUSED = 0;
export const LOST = 1;
export const STATUS = 2;
export const CLOSED = 3;
export const BLOCKED = 4;
export const BAD_ADDRESS = 5;
export const UNAVAILABLE = 6;
export const PROTOCOL = 7;
export const POST_HUNG = 8;
export const ENDPOINT = 9;
export const HANG = 10;
export const CUT = 11;

// What the core asks for, each with what follows it: `spelling` in src/driver.rs.
export const OPEN = 0; // attempt, transport, link
export const HELLO = 1; // session, received, connect, instance
export const MESSAGE = 2; // number, request, ticket
export const CONTROL = 3; // name, a, b
export const TRANSMIT = 4; // attempt
export const DROP = 5; // attempt
export const NEED_TOKEN = 6; // reason
export const ASK_HTTP = 7;
export const ALARM = 8; // milliseconds
export const STATE = 9; // from, to, ending
export const RETRY_IN = 10; // milliseconds
export const CARRIED_BY = 11; // from, to
export const TROUBLE = 12; // ending
export const SETTLED = 13; // ticket, outcome
export const GAP = 14; // received, unknown
export const DRAINED = 15;
export const REMEMBER = 16; // transport, round trip
export const ROUND_TRIP = 17; // attempt, milliseconds
export const MEND = 18; // attempt
export const NOTE = 19; // kind, attempt (0 none), transport, a, b

// How a send ended: `Outcome` in crates/core/src/output.rs.
export const SENT = 0;
export const UNKNOWN = 1;
export const GONE = 2;
export const FULL = 3;
export const CANCELLED = 4;
export const EXPIRED = 5;
export const REPLACED = 6;

/** Frames from the server, as the core is told of them. Last, since the bundler replaces only the numbers above it. */
export const FRAMES = { ack: 13, ping: 14, pong: 15, goaway: 16, expiring: 17, close: 18, ready: 19 };
