/** Texts by code: what went wrong, and what to do about it first. */
export const TEXTS = {
  refused: ["the connection was refused or reset", "check that the server runs and that nothing blocks this transport"],
  hang: ["nothing answered in time", "a proxy or firewall may swallow this transport"],
  swallowed: ["the WebSocket opened and then stayed silent", "a proxy may pass no frames: let it, or rely on the fallback"],
  muted: ["the event stream opened and then stayed silent", "switch response buffering off on the way (X-Accel-Buffering: no)"],
  flapped: ["the connection was lost soon after it opened", "check the logs of the server and its proxies"],
  lost: ["the connection was lost"],
  half_open: ["the connection fell silent"],
  http_status: ["the server answered with an HTTP error", "look the request up in its log"],
  unauthorized: ["the token was refused", "return a fresh token from `token`"],
  forbidden: ["the server does not allow this", "check the user's rights and the server's allowed origins"],
  not_found: ["nothing is at this address", "check `url` and `endpoints`, and that the server has this route and method"],
  slow_down: ["the server asks to slow down", "send less, or raise the server's limit"],
  server_unavailable: ["the server is not available", "it is down or overloaded, as it or a proxy says"],
  replaced: ["another page took the session"],
  too_large: ["the message is larger than the server allows", "send less at once, or raise the server's limit"],
  closed_by_server: ["the server closed the connection"],
  blocked: ["the browser does not allow this address", "allow it in connect-src of the content security policy; an https: page needs wss: or https:"],
  bad_address: ["this address is not valid", "check `url` and `endpoints`"],
  transport_unavailable: ["this transport is not available", "the others are used"],
  protocol: ["the server broke the protocol", "check that the server speaks this `dialect` (one of your own: json), and that no portal answers in its place"],
  post_hung: ["a POST was not answered in time"],
  token: ["a function asked before connecting failed or took too long", "it has 12 s; `token` gives a string"],
  connect_timeout: ["connecting takes long", "see explain(); tries go on"],
  endpoint: ["an endpoint function failed or took too long", "it has 12 s; null is for no address"],
  closed: ["the session is over", "call connect() again"],
  outcome_unknown: ["the message was written and may have arrived", "ask the server before you send it again"],
  expired: ["the message was too old before it could be written"],
  storage: ["the session cannot be kept for a reload", "allow session storage and Web Locks, or leave `recover` out"],
  outbox_full: ["the outbox is full", "await send(), or raise `outbox`"],
  timeout: ["nothing came in time"],
  aborted: ["aborted by its signal"],
  unserialisable: ["the payload has no JSON form", "send JSON values (no BigInt, no cycles) or a Uint8Array"],
  request_failed: ["the server refused the request"],
  unsupported: ["this dialect cannot do that", "name a `reply` in the json dialect"],
  unsupported_environment: ["WebAssembly is not available", "call connect() in a browser or a recent runtime"],
  wasm_blocked: ["the browser does not allow WebAssembly", "allow 'wasm-unsafe-eval' in script-src of the content security policy, or import throughline/no-wasm"],
  server_error: ["the server reported an error"],
  bad_message: ["a message was not JSON with a type", "check what the server sends; it was dropped"],
  bad_option: ["an option of connect() is not valid", "give what the message names"],
  not_ready: ["messages came, but none that `dialect.ready` names", "check what the server sends first; `details` is the last that came"],
  internal: ["a defect in this library", "please report explain() with what you did"],
};

/** Codes by number of the core's causes; `null` where a number or status says more. */
const CAUSES = [
  "closed", "refused", "hang", "swallowed", "muted", "flapped", "lost", "half_open", "http_status", "closed_by_server",
  "blocked", "bad_address", "transport_unavailable", "protocol", "post_hung", "token", "connect_timeout", "superseded", "closed_by_server", "endpoint",
  "lost", "not_ready",
];

const STATUSES = { 3000: "unauthorized", 3003: "forbidden", 401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "not_found", 413: "too_large", 429: "slow_down", 502: "server_unavailable", 503: "server_unavailable", 504: "server_unavailable" };

export const TRANSPORTS = ["websocket", "sse", "long-poll", "webrtc"];

/** @param {number} cause @param {number} number close code or HTTP status, 0 if none */
export function codeOf(cause, number) {
  if (number === 4400) return "protocol";
  if (number === 4409) return "replaced";
  return STATUSES[number > 4400 ? number - 4000 : number] ?? CAUSES[cause];
}

/** @param {string} code */
export const remedyOf = (code) => TEXTS[code];

export class SessionError extends Error {
  /** The class has a short one once it is built; runtimes show it. */
  static name = "SessionError";

  /** @param {string} code @param {{ terminal?: boolean, cause?: unknown } & Record<string, unknown>} [more] */
  constructor(code, { cause, message, remediation = TEXTS[code]?.[1], ...more } = {}) {
    super(message ?? TEXTS[code]?.[0] ?? code, cause === undefined ? undefined : { cause });
    this.code = code;
    this.terminal = false;
    if (remediation) this.remediation = remediation;
    Object.assign(this, more);
  }
}

// Where the head of a stack takes it from, which is written before a constructor can say more.
SessionError.prototype.name = SessionError.name;

/** What is wrong with an address that is relative to nothing. */
const ADRIFT = { message: "a relative address needs a page, and there is none here", remediation: "make the session in the browser, as useSession does, or write the address whole" };

/** An answer that refuses one message. */
export const statusError = (status, details) => new SessionError(codeOf(8, status), { status, details });

/**
 * Makes an error of the core's numbers: cause, transport, close code, status, retry-after. −1 is none; the cause 0, "asked for", is no error.
 * A host knows what the core is not told: which function of the application's failed last and why, and whether an address lacked a page.
 * @param {() => number} next @param {boolean} terminal @param {{ reason?: any, asking?: string, adrift?: boolean }} [host]
 */
export function errorOf(next, terminal, { reason, asking, adrift } = {}) {
  const cause = next();
  if (cause < 0) return undefined;
  const [transport, closeCode, status, retryInMs] = [next(), next(), next(), next()];
  if (cause === 0) return undefined;
  const code = codeOf(cause, closeCode || status);
  const asked = /^(token|endpoint)$/.test(code);
  if (asked && reason instanceof SessionError && /** @type {any} */ (reason).status) return reason;
  const more = { terminal, cause: asked ? reason : undefined };
  if (transport >= 0) more.transport = TRANSPORTS[transport];
  if (closeCode > 0) more.closeCode = closeCode;
  if (status > 0) more.status = status;
  if (retryInMs >= 0) more.retryInMs = retryInMs;
  if (code === "bad_address" && adrift) Object.assign(more, ADRIFT);
  const late = reason === undefined || reason?.code === "aborted";
  const why = asked && asking && `${asking}: ${late ? "no answer" : (reason?.message ?? reason)}`;
  const at = [why, more.transport, status > 0 && "HTTP " + status, closeCode > 0 && "close code " + closeCode].filter(Boolean).join(", ");
  return new SessionError(code, { ...more, message: (more.message ?? TEXTS[code][0]) + (at && ` (${at})`) });
}
