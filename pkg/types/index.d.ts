/**
 * A session over WebSocket, an event stream or long polling: text and bytes.
 *
 * @module throughline
 */

import type { ErrorCode } from "./codes.js";

export type { ByCode, ErrorCode, ErrorCodes } from "./codes.js";

/** A way to carry the session; `webrtc` in `throughline/voice` alone. */
export type Transport = "websocket" | "sse" | "long-poll" | "webrtc";

/**
 * Where a session stands.
 *
 * - `idle`: nothing was asked for.
 * - `connecting`: the first link is being looked for; sends wait.
 * - `connected`: a proven link carries the session.
 * - `reconnecting`: the link was lost and another is being looked for; sends wait.
 * - `suspended`: the server's resume window has passed; tries go on, sends are refused.
 * - `closing`: the outbox is being emptied before the end.
 * - `closed`: ended as asked. Terminal.
 * - `failed`: ended by an error that the app must act on. Terminal.
 */
export type State =
  | "idle"
  | "connecting"
  | "connected"
  | "reconnecting"
  | "suspended"
  | "closing"
  | "closed"
  | "failed";

/** What can be sent and received: JSON, or bytes. Bytes arrive as `Uint8Array` on every transport. */
export type Payload = unknown;

/** Message types by name. Declare yours as an interface: `interface Events { AI_MESSAGE: { text: string } }`. */
export type MessageMap = object;

/**
 * An address, `null`/`undefined`/`""` for "this transport is not available here", or a function that finds it, called for each attempt. `sessionId` is what the server
 * calls the session, once known (dialect `json`, option `session`); `lastEventId` is the id of the last message that had one (dialect `json`).
 */
export type Endpoint =
  | string
  | URL
  | null
  | undefined
  | ((context: { transport: Transport; signal: AbortSignal; sessionId?: any; lastEventId?: string }) => string | URL | null | undefined | Promise<string | URL | null | undefined>);

/** One address per purpose, where one for all does not do. What is left out falls back to `url`. */
export interface Endpoints {
  /** The WebSocket's address. `http(s):` and relative addresses are understood. @default `url` */
  websocket?: Endpoint;
  /** The event stream's address. @default `url` */
  sse?: Endpoint;
  /** Where POSTs go, for `sse` and `long-poll`. @default `url` */
  send?: Endpoint;
  /** The address polled. @default `url` */
  poll?: Endpoint;
}

/** Why a token is asked for. */
export interface TokenContext {
  /** `connect`: a connect or reconnect is about to start. `unauthorized`: the server refused the last token. `expiring`: the living link's token expires soon; the fresh one goes over the same link. */
  reason: "connect" | "unauthorized" | "expiring";
  /** Aborted when the session ends or the answer would come too late (12 s). */
  signal: AbortSignal;
}

/** A message of the plain-JSON dialect as it is on the wire. */
export type JsonMessage = Record<string, any>;

/** How a message goes up in a POST. What is left out is as without a shape. */
export interface PostShape {
  /** Relative to the address of `endpoints.send`. @default that address */
  path?: string | URL;
  /** How the request is made. @default "POST" */
  method?: string;
  /** Beside those that the session sends itself. @default none */
  headers?: Record<string, string>;
  /** An object goes as JSON, its `Uint8Array`s as base64; anything else as `fetch` sends it. `null`: none. @default the message itself */
  body?: unknown;
}

/**
 * The plain-JSON dialect: any server that speaks `{ "type": …, … }`. Promises at most once. `docs/json.md` shows it for several servers.
 *
 * @example
 * connect({ url: "/ws", dialect: { name: "json", ready: "SESSION_CREATED", session: { from: "SESSION_CREATED" }, errors: { type: "ERROR" } } });
 */
export interface JsonDialect {
  /** Chooses this dialect. */
  name: "json";
  /** The member that holds a message's type, or a function that finds it; what is sent then has it in `type`. Where neither says, an event's name does. @default "type" */
  type?: string | ((message: any) => string | undefined);
  /** Makes what is sent of a message: `({ type, ...message }) => message` for a server whose messages have no type. What is no object gets no session id. @default the message itself */
  write?: (message: any) => unknown;
  /** What a binary message is: JSON in UTF-8. @default a message of type `binary`, whose payload its bytes are */
  binary?: "json";
  /** Whether `ai_message` and `AI_MESSAGE` are one type, for the options here and for listeners. Types are sent as you write them. @default false */
  ignoreCase?: boolean;
  /**
   * The type of the message that says that the server is ready, e.g. `"SESSION_CREATED"`, or several, any of which does.
   * @default none: a link that stays open for 300 ms is ready
   */
  ready?: string | string[];
  /** Other names for incoming types: `{ SESSION_CREATED: "WELCOME" }` delivers `SESSION_CREATED` as `WELCOME`. The other options name types as the server does. @default none */
  alias?: Record<string, string>;
  /**
   * How replies are recognised, for `request()`: the reply has type `type` and repeats, in its member `match`, the id that the request carried there.
   * @default none: `request()` rejects with code `unsupported`
   */
  reply?: { type: string; match: string };
  /**
   * Milliseconds between signs of life that the page can see (messages, or comments on streamed SSE). None is seen on a native `EventSource`, nor on held polls. Plain
   * polls may be silent for their `interval`, if that is longer.
   * @default none: half-open links are not detected
   */
  heartbeat?: number;
  /** Whether what is not JSON with a type is a message of type `raw`. @default false: it is dropped, and `error` says so with code `bad_message` */
  raw?: boolean;
  /**
   * What the server calls the session. It is added to each later message in the member `member` (unless the message has one), and kept over reconnects until
   * `session.forget()`.
   * @default none: messages go as they are
   */
  session?: {
    /** The type of the message that tells it. @default none: `start` does */
    from?: string;
    /** The member of messages that holds it. @default "sessionId" */
    member?: string;
    /**
     * Makes the session before the first link: the id in the member `member` of what it resolves with, and where the server says so, addresses in `endpoints`, or the
     * WebSocket's in `wsUrl` (`null`: none here). It may resolve with the server's `Response`, whose JSON is taken. One that is not ok, or finds neither, has failed, and
     * is called again with the next try; else only after `session.forget()`. Has 12 s together with `token`, `health` and `hello`.
     * @default none: the server says it first
     */
    start?: (context: { signal: AbortSignal }) => Promise<(JsonMessage & { wsUrl?: string | null; endpoints?: Endpoints }) | Response>;
  };
  /** What goes first over each new link, before anything that waited: a message or several, or a function of them, called before each connect with the `token` just asked for. What the server is to restore goes in there. Has 12 s together with `token`, `health` and `session.start`. @default none */
  hello?:
    | JsonMessage
    | JsonMessage[]
    | ((context: { reconnect: boolean; sessionId?: any; lastEventId?: string; token?: string; signal: AbortSignal }) => JsonMessage | JsonMessage[] | void | Promise<JsonMessage | JsonMessage[] | void>);
  /**
   * Messages that report an error: heard as `error` with code `server_error`, besides being messages. One that repeats a request's id (`reply.match`) rejects it; one
   * without an id rejects the `request` or `waitFor` that waits, if only one does. `message` and `code` name the members for `error.message` and `error.reason`.
   * @default code "error", message "message"
   */
  errors?: { type: string; code?: string; message?: string };
  /**
   * Takes a message out of what came, and says its id, from which the next link is to go on (`lastEventId` of the functions in `endpoints`). It gets the id of an event, or
   * the `ETag` of a poll's answer. Nothing returned: nothing came, e.g. because another transport has brought it. What it throws ends the link. `docs/nchan.md` shows one.
   * @default none: what comes is a message
   */
  envelope?: (came: { data: string | ArrayBuffer; id?: string | null }) => { data: string | ArrayBuffer; id?: string } | undefined;
  /** Subprotocols that the WebSocket asks for. @default none */
  protocols?: string | string[];
  /** Names of events that a native `EventSource` is to hear; on streamed `fetch` all are heard. @default those without a name alone */
  events?: string[];
  /** How messages go up in POSTs, by type, `*` for all others: a shape, or a function that makes one of the message (with the session's id; bytes are in `data`). @default each as JSON to `endpoints.send` */
  post?: Record<string, PostShape | ((message: any) => PostShape | undefined)>;
  /** Whether answers to POSTs carry messages, too. @default false */
  answers?: boolean;
  /**
   * Makes `long-poll` plain polling, as a safety net: a GET each `interval` (3000) ms, one at a time, while nothing streams. A better transport is looked for meanwhile,
   * and ends it. `cursor` says what to add to the address, from the last message that came and the last answer; `messages` finds the messages in an answer that is not
   * one of them, or a list. `ETag` and 304 are understood. `held: true`, in place of all that, says that the server holds a poll until there is something.
   * @default none: a GET after each answer, 3000 ms after one with nothing in it
   */
  poll?: { held?: boolean; interval?: number; cursor?: (last: any, answer: any) => string | Record<string, string> | undefined; messages?: (answer: any) => unknown };
  /** An address asked before each connect: 429 or 5xx, or no answer, means to wait; `Retry-After` is obeyed. @default none */
  health?: string | URL;
  /**
   * A stream that was useful for 10 s and ends cleanly, after events with ids, was cut by its platform's time limit: it is opened again at once, and no state changes if
   * that takes less than a second. `"expected"` says that any end is such a cut, ids or not.
   * @default what was learned from events with ids
   */
  cut?: "expected";
  /** The name of a query parameter for the token where no header can carry it (WebSocket, native `EventSource`). Addresses are seen on the way and kept in logs: a last resort. @default none */
  tokenQuery?: string;
}

/** Deadlines and spans in milliseconds. The defaults were chosen by measurement; tests may want others. */
export interface Timing {
  /** From opened to proven. @default 1500 */
  proof?: number;
  /** From start to opened. @default 10000 (`json`: 1000, doubling with each failed round) */
  open?: number;
  /** Until a connect that takes long is reported as an error (it goes on). @default 15000 */
  connect?: number;
  /** Between the starts of two racing attempts. @default 250, then learned */
  stagger?: number;
  /** A link this old was useful: backoff starts over. @default 10000 */
  stable?: number;
  /** The first probe for a better transport. @default 15000 */
  climb?: number;
  /** The longest span between two such probes. @default 50000 */
  climbCap?: number;
  /** The four windows of the backoff. @default [1200, 3000, 7000, 20000] */
  backoff?: [number, number, number, number];
  /** How long `close()` waits for the outbox to empty. @default 2000 */
  close?: number;
}

/** What `connect()` takes. */
export interface Options {
  /**
   * The address of all transports; relative to the page, same origin by default.
   * @default "/realtime"
   */
  url?: Endpoint;
  /** An address per transport, where one for all does not do. @default `url` for each */
  endpoints?: Endpoints;
  /**
   * Transports to use, most preferred first.
   * @default ["websocket", "sse", "long-poll"]
   */
  transports?: Transport[];
  /**
   * How messages look on the wire: `"throughline"` (reliable, needs a server that speaks PROTOCOL.md) or plain `"json"`.
   * @default "throughline"
   */
  dialect?: "throughline" | "json" | JsonDialect;
  /**
   * Gives a fresh token; asked before each connect and reconnect, once when the server refuses the last one, and when the server warns that the living link's
   * expires. Never two calls at a time.
   * In `throughline` it travels in a header or in the first frame. In `json` it goes in the header `Authorization: Bearer …` of streams, polls and POSTs; a WebSocket and a native `EventSource` take no headers, so there it goes
   * nowhere unless `dialect.hello` says it in a message or `dialect.tokenQuery` allows it in the address (`error` tells it once). A server refuses one by 401, or the close code 4401: a fresh one is asked for, and the session ends if that
   * is refused, too. 403 or 4403 forbids, whatever the token. Has 12 s, together with what else is asked before connecting.
   * @default none: cookies alone, as `credentials` says
   */
  token?: (context: TokenContext) => string | Promise<string>;
  /**
   * How an event stream is read: `"fetch"` sees headers, statuses and comments; `"native"` uses `EventSource`.
   * @default "fetch" where streaming works, else "native"
   */
  eventSource?: "fetch" | "native";
  /** Whether cookies go along to another origin. @default "same-origin" */
  credentials?: "omit" | "same-origin" | "include";
  /** Ends the session when aborted, like `close()`. @default none */
  signal?: AbortSignal | undefined;
  /**
   * Looks at what comes and what is sent, by the schemas of `throughline/schemas`, whose types are the session's then. `docs/schemas.md` says more.
   * @default none: payloads are taken to be what `Events`, `Commands` and `Replies` say
   */
  check?: PayloadCheck | undefined;
  /**
   * Whether the transport that worked is remembered for 24 h (in a plain dialect, where nothing looks for a better one later, for ten minutes), per origin and kind of network, in `localStorage`.
   * @default true
   */
  remember?: boolean;
  /**
   * Whether a reload of the page goes on with the same session: nothing is lost or doubled by it, and the event `recovered` lists the sends whose promises died
   * with the page. A string names the session where a page has several. What is not acknowledged is written to `sessionStorage` before it goes over the wire; a Web Lock
   * decides which tab owns the session, so that a duplicated tab gets one of its own, up to 1.5 s later. Some browsers do not keep a page that holds a Web Lock in the
   * back/forward cache; where one does and another page took the session meanwhile, the first fails with `replaced`. `close()` erases what was kept. Where storage or locks are missing, `error` tells it with code `storage` and the session works without.
   * @default false
   */
  recover?: boolean | string;
  /** Bounds of what is on its way, and what `send()` does with more: it waits, or rejects with `outbox_full`. @default { messages: 1000, bytes: 1048576, whenFull: "wait" } */
  outbox?: { messages?: number; bytes?: number; whenFull?: "wait" | "reject" };
  /** Deadlines and spans, in milliseconds. @default each member's own */
  timing?: Timing;
}

/** A change of state. */
export interface StateChange {
  /** The state before. */
  from: State;
  /** The state from now on. */
  to: State;
  /** What caused it, if something failed. */
  error?: SessionError;
}

/** A change of the transport that carries the session. */
export interface TransportChange {
  /** The transport before, `null` for none. */
  from: Transport | null;
  /** The transport from now on, `null` for none. */
  to: Transport | null;
}

/** One message, as `messages()` and the event `message` give it. `id` names an event of a topic: give it to the server to have what came after it. */
export type Message<Events extends MessageMap = Record<string, Payload>> = {
  [K in keyof Events & string]: { type: K; payload: Events[K]; id?: string };
}[keyof Events & string];

/** What befalls a session, by name. */
export interface LifecycleEvents {
  /** The state changed. */
  state: StateChange;
  /** Another transport carries the session, or none. */
  transport: TransportChange;
  /** Something failed. `error.terminal` says whether the session goes on. Without a listener it is `console.warn`ed. */
  error: SessionError;
  /** The next try starts in so many milliseconds. */
  retry: { inMs: number };
  /** A round trip was measured. */
  rtt: { ms: number };
  /**
   * History is lost: the server made a new session, messages after the first `received` may be missing. `unknown` sends were rejected with `outcome_unknown`:
   * they had been written, and nobody knows whether they arrived.
   */
  gap: { received: number; unknown: number };
  /** A full outbox has room again. */
  drained: Record<string, never>;
  /**
   * The session of the page before a reload goes on (option `recover`). `pending` are its sends that had not been acknowledged: `settled` is a promise as `send()`
   * gave it, in place of the one that died with the page.
   */
  recovered: { pending: { type: string; payload: Payload; settled: Promise<void> }[] };
}

/** Events of a map as one union, told apart by `name`. */
export type Told<Events> = { [K in keyof Events]: { name: K; event: Events[K] } }[keyof Events];

/**
 * Any of what befalls a session, for one listener.
 *
 * @example
 * session.on("lifecycle", (told) => {
 *   if (told.name === "state") show(told.event.to);
 *   else if (told.name === "error") report(told.event);
 * });
 */
export type LifecycleEvent = Told<LifecycleEvents>;

/**
 * What the session tells of itself. These names are its own: a message of yours with one of these types is heard as
 * `on("message:TYPE")`, which works for every type.
 */
export interface SessionEvents<Events extends MessageMap = Record<string, Payload>> extends LifecycleEvents {
  /** All of what befalls the session, in its order: `name` says what. Counts as a listener of `error`. */
  lifecycle: LifecycleEvent;
  /** Every message, whatever its type. */
  message: Message<Events>;
}

/** Every error of the session. */
export class SessionError extends Error {
  /** What went wrong, for programs. */
  readonly code: ErrorCode;
  /** Whether the session has ended by it. */
  readonly terminal: boolean;
  /** What to do about it first, where that is known. */
  readonly remediation?: string;
  /** The transport it happened on. */
  readonly transport?: Transport;
  /** The HTTP status seen. */
  readonly status?: number;
  /** The close code seen. */
  readonly closeCode?: number;
  /** Milliseconds the server asked to wait. */
  readonly retryInMs?: number;
  /** The payload of a refused request (`request_failed`), the message that reports an error (`server_error`), the answer to a refused POST, or what arrived instead (`timeout` of `waitFor`). */
  readonly details?: unknown;
  /** What the server calls the error (`server_error`). */
  readonly reason?: unknown;
}

/** Numbers as they stand. */
export interface Stats {
  /** Where the session stands. */
  state: State;
  /** The transport that carries the session, `null` if none does. */
  transport: Transport | null;
  /** The last round trip in milliseconds, if one was measured. */
  rtt: number | null;
  /** Messages since `connect()`. */
  sent: number;
  /** Messages that came since `connect()`. */
  received: number;
  /** Messages that came twice and were dropped. */
  duplicates: number;
  /** Attempts started since `connect()`. */
  attempts: number;
  /** Links lost since `connect()`. */
  lost: number;
  /** Messages and bytes waiting in the outbox. */
  buffered: { messages: number; bytes: number };
}

/** One attempt, as `explain()` tells it. */
export interface AttemptReport {
  /** Counts attempts from `connect()` on; the timeline names them by it. */
  id: number;
  /** The transport that was tried. */
  transport: Transport;
  /** Where it went, once that was known: without a query, which may hold secrets. */
  address?: string;
  /** Milliseconds since `connect()`. */
  startedAt: number;
  /** Milliseconds from start until it was open, if it was. */
  openedAfter?: number;
  /** Milliseconds from start until it was proven, if it was. */
  readyAfter?: number;
  /** Milliseconds from start until it carried the session, if it did. */
  takenAfter?: number;
  /** Milliseconds from start until it ended, if it has. */
  endedAfter?: number;
  /** How far it came: `opening` (no answer yet), `greeting` (open, not proven), `proven`, `carrying` the session, `ended`. */
  outcome: "opening" | "greeting" | "proven" | "carrying" | "ended";
  /** Why it ended. */
  code?: ErrorCode | "superseded" | "asked";
  /** The HTTP status seen. */
  status?: number;
  /** The WebSocket's close code seen. */
  closeCode?: number;
  /** What that means, and what to do about it. */
  diagnosis?: string;
}

/** The session's account of itself. */
export interface Explanation {
  /** When `connect()` was called, in ISO 8601: all other times are milliseconds since then. */
  startedAt: string;
  /** Where the session stands. */
  state: State;
  /** The transport that carries the session, `null` if none does. */
  transport: Transport | null;
  /** When something last came from the server, comments and heartbeats left out; `null`: never. */
  lastHeardAt: number | null;
  /** What `send()` promises in this dialect. */
  guarantee: "effectively-once" | "at-most-once";
  /** Whether a silent link would be noticed. */
  halfOpenDetection: boolean;
  /** The last attempts, oldest first. */
  attempts: AttemptReport[];
  /** Every step of the last 256, oldest first. */
  timeline: { at: number; what: string; attempt?: number; transport?: Transport; detail?: string }[];
  /** The whole in a few sentences. */
  summary: string;
}

/** Options of calls that wait. */
export interface WaitOptions {
  /** Milliseconds until the call rejects with `timeout`. @default 30000 */
  timeout?: number | undefined;
  /** Ends the wait when aborted: the call rejects with `aborted`. @default none */
  signal?: AbortSignal | undefined;
}

/** Options of `on()` and `once()`. */
export interface ListenOptions {
  /** Stops the listener when aborted. @default none */
  signal?: AbortSignal | undefined;
  /** Whether earlier messages that nothing has consumed are heard first. @default false */
  kept?: boolean | undefined;
}

/** Options of `send()`. */
export interface SendOptions {
  /** Gives the send up when aborted: it rejects with `aborted`, or `outcome_unknown` if it was written. @default none */
  signal?: AbortSignal | undefined;
  /** Milliseconds after which the message is not to be written any more; `send()` then rejects with `expired`. One that was written is never taken back. @default none */
  ttl?: number | undefined;
  /** A later send with the same key stands for this one, if this one has not been written yet; both settle together. The later one keeps its own place. @default none */
  coalesceKey?: string | undefined;
}

type AppName<Events extends MessageMap> = Exclude<keyof Events & string, keyof SessionEvents>;
/** What `on` hears, by name. */
export type Named<Events extends MessageMap> = {
  [K in keyof SessionEvents]: SessionEvents<Events>[K];
} & {
  [K in AppName<Events>]: Events[K];
} & {
  [K in keyof Events & string as `message:${K}`]: Events[K];
};

/** Types of commands whose payload may be left out. */
type Bare<Commands> = { [K in keyof Commands & string]: undefined extends Commands[K] ? K : {} extends Commands[K] ? K : never }[keyof Commands & string];

declare const undeclared: unique symbol;
/** Stands for a reply's type where the call names none. */
type Undeclared = typeof undeclared;
/** Types of commands, where the call names its reply's type. */
type Typed<R, Type> = 0 extends 1 & R ? Type : [R] extends [Undeclared] ? never : Type;

/** Hears messages of a type; `id` names one of a topic. */
type Listener<T> = (payload: T, about: { id?: string }) => void;

/** One conversation that outlives its transport. */
export interface Session<
  Events extends MessageMap = Record<string, Payload>,
  Commands extends MessageMap = Record<string, Payload>,
  Replies extends MessageMap = Record<string, Payload>,
> {
  /** Where the session stands. */
  readonly state: State;
  /** The transport that carries the session, `null` if none does. */
  readonly transport: Transport | null;
  /** What `send` promises in this dialect. */
  readonly guarantee: "effectively-once" | "at-most-once";
  /** Bytes waiting in the outbox. */
  readonly bufferedAmount: number;

  /**
   * Calls `listener` for each message of a type from now on, or each event of the session. Returns what stops it; calling that twice is harmless. A listener that throws
   * harms no other. With `kept`, it first hears, before `on` returns, the messages of the type that came before and that nothing has consumed, as `waitFor` would find them.
   */
  on<K extends keyof Named<Events>>(name: K, listener: Listener<Named<Events>[K]>, options?: ListenOptions): () => void;
  /** Like `on`, for the next one only. */
  once<K extends keyof Named<Events>>(name: K, listener: Listener<Named<Events>[K]>, options?: ListenOptions): () => void;
  /** Stops a listener, or all of a name. */
  off<K extends keyof Named<Events>>(name: K, listener?: Listener<Named<Events>[K]>): void;

  /**
   * Sends a message. Resolves when the server has it (dialect `json`: when it was handed over).
   * In the dialect `json`, a POST that the server refuses (400, 404, 405, 413 …) rejects with that error, `status` and the answer in `details`; the link stays.
   * Rejects with `outcome_unknown` if it was written and nobody can say whether it arrived, `closed` or `expired` if it never was, `unserialisable`, `aborted`, `outbox_full`.
   * While more is on its way than `outbox` allows, it waits.
   */
  send<K extends Bare<Commands>>(type: K, payload?: Commands[K], options?: SendOptions): Promise<void>;
  /** A message whose payload is needed. */
  send<K extends keyof Commands & string>(type: K, payload: Commands[K], options?: SendOptions): Promise<void>;
  /**
   * Sends a message and resolves with its reply, as `Replies` declares it; `request<Reply>(…)` names one that is not declared. `timeout` defaults to 30 s.
   * Rejects with `request_failed` if the server refuses it, `unsupported` in the dialect `json` without `reply`.
   */
  request<R = Undeclared>(type: Typed<R, keyof Commands & string>, payload?: Commands[keyof Commands & string], options?: WaitOptions): Promise<R>;
  /** With the reply that `Replies` declares. */
  request<K extends Bare<Commands> & keyof Replies>(type: K, payload?: Commands[K], options?: WaitOptions): Promise<Replies[K]>;
  /** With the reply that `Replies` declares, of a command whose payload is needed. */
  request<K extends keyof Commands & keyof Replies & string>(type: K, payload: Commands[K], options?: WaitOptions): Promise<Replies[K]>;
  /**
   * Resolves with the oldest message of a type that neither a listener of that type nor an earlier `waitFor` has consumed, waiting for one if need be.
   * Up to 1000 unconsumed messages are kept. `timeout` defaults to 30 s; the error names what arrived instead.
   */
  waitFor<K extends keyof Events & string>(type: K, options?: WaitOptions): Promise<Events[K]>;
  /** Every message from now on, in order, as an async iterator that ends with the session. At most 10 000 wait for a slow reader; then the oldest give way and `error` says so. */
  messages(options?: { signal?: AbortSignal }): AsyncIterableIterator<Message<Events>>;

  /**
   * Tries now: cuts the wait for the next try short, as coming back online does (it starts within 1.2 s, or the first window of `timing.backoff`). For a button that says "try again"; does nothing while the session is connected, or over.
   */
  retry(): void;
  /** Forgets what the server calls the session, and where in its events it stands (dialect `json`): the next link starts anew. */
  forget(): void;
  /** The session's numbers as they stand. */
  stats(): Stats;
  /** The session's account of itself: each attempt, what was found out, and what to do about it. Holds no token and no query of an address. */
  explain(): Explanation;
  /** Empties the outbox, ends the session, and resolves when it is over. */
  close(): Promise<void>;
}

declare const checked: unique symbol;

/** What looks at payloads: made by `schemas()` of `throughline/schemas`. */
export interface PayloadCheck<Events extends MessageMap = any, Commands extends MessageMap = any, Replies extends MessageMap = any> {
  /** Carries the types; there is nothing to read. */
  readonly [checked]: { events: Events; commands: Commands; replies: Replies };
}

/** Some of a map that type arguments alone say. */
type SomeOf<T> = Partial<[T][T extends unknown ? 0 : never]>;

/** Schemas that contradict no type that is named. */
export interface Unopposed<Events extends MessageMap, Commands extends MessageMap, Replies extends MessageMap> {
  /** Looks at payloads, of types that `connect<Events, Commands, Replies>` names. @default none */
  check?: PayloadCheck<SomeOf<Events>, SomeOf<Commands>, SomeOf<Replies>> | undefined;
}

/**
 * Starts a session and returns it at once, in state `connecting`. Nothing happens at import; the WebAssembly is compiled on the first call. The types of payloads
 * are those of the schemas in `check`.
 */
export function connect<Events extends MessageMap, Commands extends MessageMap, Replies extends MessageMap>(
  options: Options & { check: PayloadCheck<Events, Commands, Replies> },
): Session<Events, Commands, Replies>;

/**
 * Starts a session and returns it at once, in state `connecting`. Nothing happens at import; the WebAssembly is compiled on the first call.
 * `Events` are the messages that come, `Commands` those that are sent, `Replies` what `request()` resolves with, each by type.
 *
 * @example
 * const session = connect<Events, Commands>({ url: "/realtime" });
 * session.on("AI_MESSAGE", (message) => render(message.text));
 * await session.send("USER_MESSAGE", { text: "hi" });
 */
export function connect<
  Events extends MessageMap = Record<string, Payload>,
  Commands extends MessageMap = Record<string, Payload>,
  Replies extends MessageMap = Record<string, Payload>,
>(options?: Options & Unopposed<Events, Commands, Replies>): Session<Events, Commands, Replies>;
