/** Transports as they are shown, most preferred first. */
export const TRANSPORTS = {
  webrtc: { name: "WebRTC", short: "RTC", color: "--webrtc" },
  websocket: { name: "WebSocket", short: "WS", color: "--websocket" },
  sse: { name: "SSE", short: "SSE", color: "--sse" },
  "long-poll": { name: "Long poll", short: "Poll", color: "--long-poll" },
};

/** What each state means to somebody who reads it. */
export const STATES = {
  idle: "Nothing was asked for yet",
  connecting: "Looking for a first link",
  connected: "A proven link carries the session",
  reconnecting: "The link was lost, another is being looked for; messages wait",
  suspended: "The server may have forgotten the session; tries go on",
  closing: "Emptying the outbox before the end",
  closed: "Ended as asked",
  failed: "Ended by an error",
};

/** How an attempt ended, in two words at most. */
export const ENDINGS = {
  superseded: "superseded",
  asked: "closed",
  closed: "closed",
  half_open: "half-open",
  http_status: "HTTP error",
  not_found: "not found",
  slow_down: "slow down",
  server_unavailable: "unavailable",
  closed_by_server: "closed by server",
  bad_address: "bad address",
  transport_unavailable: "not available",
  post_hung: "POST hung",
  too_large: "too large",
};

/** Names an ending. */
export const ending = (attempt) => `${ENDINGS[attempt.code] ?? attempt.code}${attempt.status ? ` ${attempt.status}` : ""}`;

/** Whether an attempt ended without anything being wrong. */
export const endedWell = (attempt) => attempt.code === "superseded" || attempt.code === "asked" || attempt.code === "closed";

/** Names a transport, or says that there is none. */
export const nameOf = (transport) => TRANSPORTS[transport]?.name ?? "no transport";

/** Writes a span of milliseconds with the precision that a person can use. */
export function span(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** Writes a number with its noun. */
export const count = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;
