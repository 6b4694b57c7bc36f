import { POLL_INTERVAL } from "../../src/transport/long-poll.js";
import { fromBase64 } from "./base64.js";
import {
  BAD_ADDRESS, BLOCKED, CANCEL, CANCELLED, CLOSE, CONNECT, ENDED, ENDPOINT, ENVIRONMENT, EXPIRED, FULL, GONE, KEPT, OPENED, REPLACED, SEND, SENT, TIMEOUT,
  TOKEN, UNAVAILABLE, UNKNOWN,
} from "./core.js";
import { SessionError, TRANSPORTS } from "./error.js";
import { Listeners, bounded } from "./listeners.js";
import { recall } from "./memory.js";
import { Json, misfit } from "./json.js";
import { perform } from "./perform.js";

/** Milliseconds for the application's own functions: token and endpoints. */
const FUNCTION_TIMEOUT = 12_000;

/** Entries kept of the log; older ones make room. It tells of no more attempts. */
const LOG_LENGTH = 256;

const REASONS = ["connect", "unauthorized", "expiring"];

/** Codes of sends that did not arrive, or perhaps did not. */
const OUTCOMES = { [UNKNOWN]: "outcome_unknown", [FULL]: "outbox_full", [CANCELLED]: "aborted", [EXPIRED]: "expired" };

/** Failures after which there is nothing to go on with. What another page took is that page's to keep. */
const LOST_FOR_GOOD = ["protocol", "internal"];

const TIMING = ["proof", "open", "connect", "stagger", "stable", "climb", "climbCap", "", "", "", "", "close", "", "open"];

/** A token that is asked for and never said. */
const UNSENT = { transport: "websocket", message: "the token goes nowhere over WebSocket", remediation: "put it into `hello`, or name `tokenQuery`" };

/** What is known of the network, where the browser tells. @returns {any} */
const connection = () => /** @type {any} */ (globalThis.navigator)?.connection;

// Each message asks these: no function is made for it.
const accept = (core, attempt, n) => core.accept(attempt, n);
const heard = (core, attempt, bytes) => core.heard(attempt, bytes);

/** Does what the core asks for, and makes its events the application's. */
export class Host {
  core;
  state = "idle";
  /** @type {import("../types/index.js").Transport | null} */
  transport = null;
  token;
  /** What the core noted last: when, kind, attempt (0 none), transport, and two numbers by kind. @type {number[][]} */
  log = [];
  stats = { sent: 0, received: 0, duplicates: 0, lost: 0, rtt: null };
  origin = performance.now();
  /** Where the last attempts went, by attempt and without a query, which may hold secrets. @type {string[]} */
  #addresses = [];
  /** When something last came. @type {number | null} */
  heardAt = null;
  #alarm;
  /** When the alarm rings. */
  #due = Infinity;
  /** What was asked for before there was a core. */
  #pending = [];
  /** Inputs not yet told: the first one's turn is under way. @type {number[][]} */
  #inbox = [];
  /** What transports hold open, by attempt. */
  links = new Map();
  /** The attempt that opened last. */
  latest = 0;
  /** The server's names of sessions; the core knows them by their index. @type {string[]} */
  names = [];
  #over = new AbortController();
  /** Sends under way by ticket: the body, and what to call when it is decided. */
  sends = new Map();
  /** How many bytes they have. */
  bytes = 0;
  #tickets = 0;
  /** Tickets of the last sends by `coalesceKey`. */
  #keys = new Map();
  /** What is kept for the page after a reload. @type {import("./keep.js").Keep | undefined} */
  keep;
  /** The nonces of the last `hello`. */
  identity;
  /** What the page before left, until the application is told. */
  #recovered;
  /** The last id of an event stream, in a dialect without sessions. */
  lastEventId;
  /** The server's limit of a unit in bytes, once known. */
  unit = Infinity;
  #requests = new Map();
  #requested = 0;
  #blocked = new Set();
  #warned = new Set();
  #tokens = 0;
  /** Which function of the application's was asked last, and why one failed. */
  asking;
  reason;
  /** Whether an address was relative, and to nothing. */
  adrift = false;
  /** What keeps the session from being connected. @type {any} */
  problem;

  /** The link that took the session last. @type {any} */
  owner;
  // What `throughline/voice` adds.
  /** Hears that another link may carry the session. @type {(() => void) | undefined} */
  moved;
  /** Hears how far it came. @type {((step: string, status: string, error?: unknown) => void) | undefined} */
  progress;
  /** The ICE servers of peer connections. @type {any} */
  ice;

  /** Settles when the session is over. */
  over = new Promise((resolve) => this.#over.signal.addEventListener("abort", resolve));

  /** @param {any} options @param {any} kit what the entry is made of */
  constructor(options, kit) {
    check(options, kit.transports.map((number) => TRANSPORTS[number]));
    kit.check?.(options);
    this.options = options;
    this.kit = kit;
    const { dialect = "throughline", signal } = options;
    this.json = dialect === "throughline" ? null : new Json(dialect === "json" ? {} : dialect);
    this.listeners = new Listeners(kit.events, this.json?.fold);
    this.credentials = options.credentials ?? "same-origin";
    const streams = typeof Response === "function" && "body" in Response.prototype;
    this.native = (options.eventSource ?? (streams ? "fetch" : "native")) === "native";
    const close = () => this.close();
    // Whoever made the session can listen by then, and its core is not there yet.
    if (signal?.aborted) queueMicrotask(close);
    signal?.addEventListener("abort", close, { signal: this.#over.signal });
  }

  /** Makes a core of an instance of its own and starts it. */
  start(instance, keep) {
    this.instance = instance;
    this.keep = keep;
    const { options, json } = this;
    const plain = json?.options ?? {};
    const { here = () => true } = this.kit;
    const wanted = options.transports?.map((name) => TRANSPORTS.indexOf(name)) ?? this.kit.transports;
    const usable = wanted.filter(here);
    const transports = usable.length ? usable : wanted;
    const timing = [];
    const set = (field, ms) => ms >= 0 && timing.push(field, ms);
    // Firefox shows a stream only with its first byte.
    if (plain.heartbeat > 8_000) set(1, plain.heartbeat * 1.2);
    TIMING.forEach((name, field) => set(field, options.timing?.[name]));
    options.timing?.backoff?.forEach((window, i) => set(7 + i, window));
    const { heartbeat, poll } = plain;
    set(12, heartbeat);
    set(17, !this.native && heartbeat);
    set(18, !poll?.held && heartbeat && Math.max(heartbeat, poll?.interval ?? POLL_INTERVAL));
    const { messages = 1_000, bytes = 1 << 20, whenFull } = options.outbox ?? {};
    const [carried = -1, rtt = 0] = options.remember === false ? [] : recall(this.key(), this.json);
    const seed = crypto.getRandomValues(new Uint32Array(4));
    const dialect = json ? (plain.ready ? 2 : 1) : 0;
    const left = keep?.left ?? [];
    const restored = keep?.record.session ? this.#restore(keep.record) : [];
    const bounds = [messages, bytes, +(whenFull === "reject")];
    const asks = options.token ?? plain.health ?? plain.session?.start ?? plain.hello;
    const words = [...seed, dialect, +!!plain.poll, +!!asks, ...bounds, carried, rtt, transports.length, ...transports, restored.length, ...restored, ...timing];
    this.core = new instance.Core(new Uint8Array(Uint32Array.from(words).buffer));
    if (keep) {
      this.core.delivered(keep.record.received);
      // Replies to the page before are not for this one.
      this.#requested = seed[0] >>> 1;
    }
    if (restored.length || left.length) {
      const acts = [];
      this.#recovered = left.map((entry) => this.#recover(entry, acts));
      this.#pending.unshift(...acts);
    }
    this.tell(CONNECT);
    for (const act of this.#pending.splice(0)) act();
    // While the first link opens.
    this.#watch();
  }

  /** Spells what an earlier page knew, as `Core::new` reads it. */
  #restore({ session, connect, instance, fence, received, acked }) {
    this.names.push(session);
    const nonces = (connect + instance).match(/.{8}/g).map((word) => parseInt(word, 16));
    return [...nonces, fence, ...[received, acked].flatMap((n) => [n / 2 ** 32, n])];
  }

  /** Takes over a send of an earlier page. What was perhaps written keeps its number; the rest waits for the link. */
  #recover({ ticket, n, request, bytes, until, text, data }, acts) {
    this.#tickets = Math.max(this.#tickets, ticket);
    const body = data === undefined ? { text } : { type: text, bytes: fromBase64(data) };
    const [type, payload] = JSON.parse(`[${text}]`);
    const settled = new Promise((resolve, reject) => {
      this.sends.set(ticket, { body, request, bytes, n, until, settle: this.#settler(resolve, reject) });
      this.bytes += bytes;
    });
    // The application may not look at it.
    settled.catch(() => {});
    const ttl = until ? Math.max(0, until - Date.now()) : -1;
    if (n) this.tell(KEPT, ticket, request, bytes);
    else acts.push(() => this.tell(SEND, ticket, request, bytes, ttl, 0));
    return { type, payload: body.bytes ?? payload, settled };
  }

  /** Tells the application what became of the page before. */
  tellRecovered() {
    const pending = this.#recovered;
    this.#recovered = undefined;
    if (pending) this.listeners.emit("recovered", { pending });
  }

  /**
   * Tells the core what happened: a number of `Core::tell`, and what follows it. Called from inside a turn, it leaves
   * the input to that turn.
   */
  tell(...input) {
    if (this.#inbox.push(input) > 1) return;
    for (; this.#inbox.length; this.#inbox.shift()) {
      this.enter((core) => perform(this, this.#read(core.tell(this.now(), ...this.#inbox[0]))));
    }
  }

  /** Asks the core whether a message with that number, 0 for none, is new. */
  accept(attempt, n) {
    return this.enter(accept, attempt, n);
  }

  /** Tells the core that bytes came. */
  heard(attempt, bytes = 0) {
    return this.enter(heard, attempt, bytes);
  }

  /** Calls the core, while there is one. A trap ends this core, not the page. @param {(core: any, attempt?: any, number?: any) => any} act @param {any} [attempt] @param {any} [number] */
  enter(act, attempt, number) {
    try {
      if (this.core) return act(this.core, attempt, number);
    } catch (error) {
      this.trap(error);
    }
  }

  #read(count) {
    return Array.from({ length: count }, () => this.core.take());
  }

  /** The core is broken: its sockets are closed, the session fails. Others, and the next one, have cores of their own. */
  trap(cause) {
    if (!this.core) return;
    this.core = undefined;
    this.fail(new SessionError("internal", { terminal: true, cause }));
  }

  /** The number that the core knows a session by. */
  nameOf(session) {
    const known = this.names.indexOf(session);
    return known < 0 ? this.names.push(session) - 1 : known;
  }

  /** Where an attempt went, while the log tells of it. */
  addressOf(attempt) {
    return this.#addresses[attempt % LOG_LENGTH];
  }

  note(what) {
    if (this.log.push([Math.floor(this.now()), ...what]) > LOG_LENGTH) this.log.shift();
  }

  now() {
    return performance.now() - this.origin;
  }

  /** Rings in so many milliseconds, or earlier: setting a timer costs more than one that rings for nothing. Below 0, never. */
  setAlarm(ms) {
    const due = ms < 0 ? Infinity : performance.now() + ms;
    if (ms >= 0 && this.#due <= due) return;
    clearTimeout(this.#alarm);
    this.#due = due;
    if (ms < 0) return;
    const ring = () => {
      this.#due = Infinity;
      this.tell(TIMEOUT);
    };
    // Longer spans overflow and would fire at once.
    this.#alarm = setTimeout(ring, Math.min(ms, 1e9));
  }

  ended(attempt, cause, code = 0, status = 0, retryAfter = -1) {
    // Never inside a call of the core's: a constructor may have thrown.
    queueMicrotask(() => this.tell(ENDED, attempt, cause, code, status, retryAfter));
  }

  /** The browser hides why a connection failed, but not what its own policies forbid. */
  refused(attempt, address, cause) {
    setTimeout(() => {
      const { protocol, origin } = new URL(address);
      const secure = globalThis.isSecureContext && globalThis.location?.protocol === "https:";
      const mixed = secure && (protocol === "ws:" || protocol === "http:");
      const blocked = mixed || this.#blocked.has(origin);
      this.ended(attempt, blocked ? BLOCKED : cause);
    });
  }

  /** Finds the address of a purpose and hands it on, absolute; reports where there is none. */
  locate(attempt, purpose, use) {
    const { json, token, options: { url = "/realtime" } } = this;
    const endpoints = { ...this.options.endpoints, ...json?.found };
    const endpoint = purpose in endpoints ? endpoints[purpose] : url;
    const transport = { websocket: "websocket", poll: "long-poll", webrtc: "webrtc" }[purpose] ?? "sse";
    const take = (found) => {
      if (found === null || found === undefined || found === "") return this.ended(attempt, UNAVAILABLE);
      let address;
      try {
        address = new URL(found, globalThis.location?.href);
      } catch {
        this.adrift ||= !/^\w+:/.test(found);
        return this.ended(attempt, BAD_ADDRESS);
      }
      if (!/^(https?|wss?):$/.test(address.protocol)) return this.ended(attempt, BAD_ADDRESS);
      address.hash = "";
      this.progress?.("api", "done");
      if (purpose !== "send") this.#addresses[attempt % LOG_LENGTH] = address.origin + address.pathname;
      const name = token && json?.options.tokenQuery;
      if (name && (purpose === "websocket" || (purpose === "sse" && this.native))) {
        this.#warn("query", "throughline: the token is in the address");
        address.searchParams.set(name, token);
      }
      if (token && json?.mute && purpose === "websocket" && typeof endpoint !== "function") {
        json.mute = false;
        // Not while the core is listened to.
        queueMicrotask(() => this.trouble(new SessionError("bad_option", UNSENT)));
      }
      use(address.href.replace(/^ws/, "http"));
    };
    if (typeof endpoint !== "function") return take(endpoint);
    this.call((signal) => endpoint({ transport, signal, sessionId: json?.id, lastEventId: this.lastEventId })).then(take, (cause) => {
      this.asking = purpose in endpoints ? "endpoints." + purpose : "url";
      this.reason = cause;
      this.ended(attempt, ENDPOINT);
    });
  }

  askToken(reason) {
    const turn = ++this.#tokens;
    this.asking = "token";
    this.reason = undefined;
    const current = () => turn === this.#tokens && !this.#over.signal.aborted;
    this.refreshToken(reason, current)
      .then(() => (current() ? this.json?.prepare(this) : undefined))
      .then(() => current() && this.tell(TOKEN, 1))
      .catch((cause) => {
        if (!current()) return;
        this.reason = cause;
        this.tell(TOKEN, 0);
      });
  }

  /** Asks for a token, if there is a function for it, and takes it while it is still wanted. */
  async refreshToken(reason, wanted = () => true) {
    const { token: ask } = this.options;
    if (!ask) return;
    const token = await this.call((signal) => ask({ reason: REASONS[reason], signal }));
    if (typeof token !== "string" || !token) throw new TypeError("the token is not a string");
    if (wanted()) this.token = token;
  }

  /** A link is open. What greets a plain server goes before all else. */
  opened(attempt) {
    if (this.json) this.links.get(attempt)?.send(this.json.greeting, true);
    this.latest = attempt;
    this.tell(OPENED, attempt);
  }

  /** A message that the core accepted. Returns whether somebody heard it. */
  message(type, payload, id) {
    if (typeof type !== "string") throw type;
    this.stats.received++;
    return this.listeners.message(type, payload, id);
  }

  /** A reply that the core accepted. Returns whether somebody waited for it. */
  reply(id, ok, payload) {
    const request = this.#requests.get(id);
    if (!request) return false;
    this.stats.received++;
    if (ok) request.resolve(payload);
    else request.reject(new SessionError("request_failed", { message: payload?.message, details: payload }));
    return true;
  }

  /** The server refused something: the request with that id, or what alone waits. */
  refusal(id, details, { message = "message", code = "error" }) {
    const error = new SessionError("server_error", { message: details?.[message], reason: details?.[code], details });
    const [first, other] = [...this.#requests.values(), ...this.listeners.waiters];
    const asked = id === undefined ? !other && first : this.#requests.get(id);
    if (asked) asked.reject(error);
    this.trouble(error);
  }

  badMessage(data) {
    this.trouble(new SessionError("bad_message", { details: String(data).slice(0, 200) }));
  }

  overflowed() {
    this.trouble(new SessionError("slow_down", { message: "messages() is read too slowly: the oldest gave way" }));
  }

  /**
   * Sends an encoded message; resolves when the server has it, or a later one of the same `coalesceKey`.
   * @param {any} body @param {number} bytes @param {number} request @param {import("../types/index.js").SendOptions} [options]
   */
  send(body, bytes, request, { signal, ttl, coalesceKey: key } = {}) {
    return bounded({ signal }, (resolve, reject, settled) => {
      if (bytes > this.unit) throw new SessionError("too_large");
      const settle = this.#settler(resolve, reject);
      if (this.state === "closed" || this.state === "failed") return settle(GONE);
      const ticket = ++this.#tickets;
      const send = { body, bytes, request, key, until: ttl === undefined ? undefined : Date.now() + ttl, settle };
      const replaces = (key !== undefined && this.#keys.get(key)) || 0;
      if (key !== undefined) this.#keys.set(key, ticket);
      this.sends.set(ticket, send);
      this.bytes += bytes;
      settled(() => {
        // Given up, but perhaps written: the core keeps the body until it is decided.
        send.settle = () => {};
        if (this.core && this.sends.has(ticket)) this.tell(CANCEL, ticket);
        else this.settle(ticket, CANCELLED);
      });
      this.#whenStarted(() => {
        if (!this.sends.has(ticket)) return;
        this.tell(SEND, ticket, request, bytes, ttl === undefined ? -1 : Math.min(ttl, 2 ** 31), replaces);
        if (this.sends.has(ticket) && send.n === undefined) this.keep?.put(ticket, send, 0);
      });
    });
  }

  #settler(resolve, reject) {
    return (outcome) => {
      if (outcome === SENT) {
        this.stats.sent++;
        resolve();
      } else if (outcome instanceof SessionError) reject(outcome);
      else if (OUTCOMES[outcome]) reject(new SessionError(OUTCOMES[outcome]));
      else reject(this.#refusal());
    };
  }

  /** Why a send came to nothing. */
  #refusal() {
    const { state, problem: cause } = this;
    if (state === "failed") return new SessionError("closed", { cause, message: "the session failed before this was sent: " + cause.message, remediation: cause.remediation });
    if (state === "suspended") return new SessionError("closed", { message: "the session is suspended", remediation: "send again once it is connected" });
    return new SessionError("closed", { message: "the session was closed before this was sent" });
  }

  /** Sends a request and resolves with its reply. `encode` gets the request's id.
   * @param {any} encode @param {import("../types/index.js").WaitOptions} [options] */
  request(encode, { timeout = 30_000, signal } = {}) {
    const id = ++this.#requested;
    const late = () => new SessionError("timeout", { message: `no reply within ${timeout} ms` });
    const cancel = new AbortController();
    return bounded({ timeout, signal }, (resolve, reject, settled) => {
      this.#requests.set(id, { resolve, reject });
      settled(() => {
        this.#requests.delete(id);
        cancel.abort();
      });
      const { body, bytes } = encode(id);
      this.send(body, bytes, this.json ? 0 : id, { signal: cancel.signal }).catch(reject);
    }, late);
  }

  settle(ticket, outcome) {
    const send = this.sends.get(ticket);
    if (!send) return;
    this.sends.delete(ticket);
    this.bytes -= send.bytes;
    this.keep?.drop(ticket, outcome === SENT ? send.n : 0);
    const last = this.#keys.get(send.key);
    const later = outcome === REPLACED && this.sends.get(last);
    const waiting = send.earlier ?? [];
    waiting.push(send);
    // Who waited for this one waits for the one that stands for it.
    if (later) return void (later.earlier = later.earlier?.concat(waiting) ?? waiting);
    if (last === ticket) this.#keys.delete(send.key);
    for (const { settle } of waiting) settle(send.body.refused ?? outcome);
  }

  /** The session is over: nothing of it is left behind. */
  end(to, error) {
    const from = this.state;
    this.state = to;
    this.#over.abort();
    this.setAlarm(-1);
    this.keep?.end(to === "closed" || LOST_FOR_GOOD.includes(error?.code));
    this.keep = undefined;
    this.problem = error;
    if (to === "failed") this.trouble(error);
    this.listeners.emit("state", { from, to, error });
    const reason = to === "failed" ? error : new SessionError("closed");
    // What was written has perhaps arrived.
    for (const [ticket, { written }] of [...this.sends]) this.settle(ticket, written ? UNKNOWN : GONE);
    for (const request of [...this.#requests.values()]) request.reject(reason);
    this.listeners.end(reason);
    // Only when no call of the core's is on the stack. Its memory goes with the instance.
    setTimeout(() => {
      this.core = undefined;
    });
  }

  /** Ends the session at once, and with it what it holds open. */
  fail(error) {
    this.core = undefined;
    for (const link of this.links.values()) link.close();
    const from = this.transport;
    this.transport = null;
    if (from) this.listeners.emit("transport", { from, to: null });
    this.end("failed", error);
  }

  /** Forgets the session's name and what came of it: the next link makes a new one. */
  forget() {
    this.lastEventId = undefined;
    Object.assign(this.json ?? {}, { id: undefined, found: undefined, last: undefined });
  }

  close() {
    if (this.core) this.tell(CLOSE);
    else if (this.state !== "failed" && this.state !== "closed") this.end("closed");
  }

  #whenStarted(act) {
    if (this.core) act();
    else this.#pending.push(act);
  }

  trouble(error) {
    if (error.code === "not_ready") error.details = this.json?.last;
    if (!/^(connected|closed|failed)$/.test(this.state)) this.problem = error;
    if (this.listeners.emit("error", error)) return;
    const { code, message, remediation, transport } = error;
    const [, , attempt] = this.log.filter(([, , attempt, carried]) => attempt && TRANSPORTS[carried] === transport).at(-1) ?? [];
    const address = this.addressOf(attempt);
    this.#warn(code + transport, `throughline: ${message}${remediation ? "; " + remediation : ""}${address ? ` (${address})` : ""}`);
  }

  #warn(key, text) {
    if (this.#warned.has(key)) return;
    this.#warned.add(key);
    console.warn(text);
  }

  /** Cuts the wait for the next try short. */
  retry() {
    if (/^(connecting|reconnecting|suspended)$/.test(this.state)) this.tell(ENVIRONMENT, 0);
  }

  /** Calls a function of the application's, bounded in time and never throwing synchronously. */
  call(run) {
    const limit = AbortSignal.any([this.#over.signal, AbortSignal.timeout(FUNCTION_TIMEOUT)]);
    return bounded({ signal: limit }, (resolve, reject) => {
      new Promise((done) => done(run(limit))).then(resolve, reject);
    });
  }

  /** Tells the core what happens around the page, until the session is over. */
  #watch() {
    const { signal } = this.#over;
    const tell = (change) => () => this.tell(ENVIRONMENT, change);
    const on = (target, name, listener) => target?.addEventListener?.(name, listener, { signal });
    on(globalThis, "online", tell(0));
    on(globalThis, "offline", tell(1));
    on(globalThis, "pageshow", (event) => event.persisted && tell(2)());
    on(globalThis.document, "resume", tell(2));
    on(globalThis.document, "visibilitychange", () => tell(document.visibilityState === "visible" ? 2 : 3)());
    on(connection(), "change", tell(4));
    // It bubbles from the document to the window, and comes to a worker's own scope.
    on(globalThis, "securitypolicyviolation", ({ effectiveDirective, disposition, blockedURI }) => {
      if (effectiveDirective === "connect-src" && disposition === "enforce" && URL.canParse(blockedURI)) this.#blocked.add(new URL(blockedURI).origin);
    });
  }

  key() {
    const { url, endpoints } = this.options;
    const named = [url, endpoints?.websocket].find((e) => typeof e === "string" || e instanceof URL) ?? "/realtime";
    const base = globalThis.location?.href;
    const origin = URL.canParse(named, base) ? new URL(named, base).host : "";
    return `${origin} ${connection()?.type ?? ""} ${this.options.transports ?? ""}`;
  }
}

/** Refuses what cannot be meant. `names` are the transports that there are. */
function check(options, names) {
  const fail = (message) => {
    throw new SessionError("bad_option", { message });
  };
  if (typeof options !== "object" || options === null) fail("connect() takes an object");
  const { transports, dialect, token, check, recover, signal } = options;
  if (signal && !signal.addEventListener) fail("signal must be an AbortSignal");
  if (transports && !(Array.isArray(transports) && transports.length && transports.every((name) => names.includes(name)))) {
    const hint = names.length < TRANSPORTS.length ? " (webrtc: throughline/voice)" : "";
    fail(`transports must be a list of ${names.join(", ")}${hint}, not [${transports}]`);
  }
  const name = dialect === undefined ? "throughline" : (dialect?.name ?? dialect);
  if (name !== "throughline" && name !== "json") fail('dialect must be "throughline" or "json"');
  const odd = typeof dialect === "object" && misfit(dialect);
  if (odd) fail(`dialect.${odd} cannot be that (${typeof dialect[odd]})`);
  if (recover && name === "json") fail('recover needs the dialect "throughline"');
  for (const own of [token, check]) if (own !== undefined && typeof own !== "function") fail("token and check must be functions");
}
