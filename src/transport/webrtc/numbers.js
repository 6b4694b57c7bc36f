// What crosses between a peer connection and its negotiation, by number: src/negotiation.rs.

// What the negotiation is told.
export const START = 0;
export const SERVERS = 1;
export const DESCRIBED = 2;
export const UNDESCRIBED = 3;
export const CANDIDATE = 4; // index, whether it is this host's
export const GATHERED = 5;
export const EXCHANGED = 6; // exchange
export const REJECTED = 7; // exchange, cause, status, milliseconds to wait
export const APPLIED = 8; // exchange
export const UNAPPLIED = 9; // exchange
export const CHANNEL_OPEN = 10;
export const GONE = 11;
export const MEND = 12;
export const TIMEOUT = 13;

// What it asks for, after the milliseconds until the alarm.
export const FIND_SERVERS = 0;
export const DESCRIBE = 1;
export const REDESCRIBE = 2;
export const SEND_OFFER = 3; // exchange
export const SEND_RESTART = 4; // exchange
export const SEND_CANDIDATES = 5; // exchange, how many, indices
export const ABORT = 6;
export const APPLY = 7; // exchange
export const ROLLBACK = 8;
export const REPORT = 9; // milestone
export const END = 10; // phase, cause, status, milliseconds to wait

/** Where it stood when it ended. */
export const PHASES = ["offer", "exchange", "answer", "transport", "open"];
