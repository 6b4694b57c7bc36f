// The dialect `json`: any server that speaks objects with a type, one a message (docs/json.md).

import { request, retryAfter } from "../../src/transport/fetch.js";
import { ANSWER } from "../../src/transport/unit.js";
import { toBase64 } from "./base64.js";
import { READY } from "./core.js";
import { statusError } from "./error.js";

/** Options by what they may be. */
const OPTIONS = {
  string: "name type ready cut tokenQuery health protocols binary ",
  function: "type hello envelope write ",
  object: "ready alias reply session hello errors events post poll health protocols ",
  boolean: "ignoreCase raw answers ",
  number: "heartbeat ",
};

/** Names what of the options cannot be meant, if something is.
 * @param {any} dialect */
export const misfit = (dialect) => Object.keys(dialect).find((name) => dialect[name] !== undefined && !OPTIONS[dialect[name] === null ? "" : typeof dialect[name]]?.split(" ").includes(name));

/** Whether a value has members by name. */
const isObject = (value) => value && typeof value === "object" && !Array.isArray(value);

/** Bytes within JSON are base64. */
const base64 = (_, value) => (value instanceof Uint8Array ? toBase64(value) : value);

/** What is known of a plain server: as configured, and as learned. */
export class Json {
  /** The server's name of the session, where it has one. */
  id;
  /** Addresses that `start` found. @type {any} */
  found;
  /** Messages that go before all others over a new link. */
  greeting = [];
  /** Whether nothing would say the token over a WebSocket, which has not been told. */
  mute;
  /** The last message that came. */
  last;
  /** Why the server was not well. @type {unknown} */
  illness;
  /** When it may be asked again. */
  again = 0;
  /** Ends what is asked before a round of attempts. */
  #preparing = new AbortController();

  /** @param {any} options */
  constructor(options) {
    const { type = "type", ignoreCase, ready, alias = {}, post = {}, session, errors, reply, hello, protocols, tokenQuery } = options;
    const fold = (name) => (ignoreCase ? (name?.toUpperCase?.() ?? name) : name);
    const map = (entries, fold) => new Map(Object.entries(entries).map(([from, to]) => [fold(from), to]));
    const named = typeof type === "string";
    this.options = options;
    this.fold = fold;
    this.key = named ? type : "type";
    this.mute = !(hello || protocols || tokenQuery || session?.start);
    this.typeOf = named ? (item) => item?.[type] : type;
    this.member = session?.member ?? "sessionId";
    this.alias = map(alias, fold);
    this.post = map(post, String);
    this.signs = [ready, session?.from, reply?.type, errors?.type].map((names) => [names].flat().map(fold));
  }

  /** Writes a message. */
  encode(type, payload, more) {
    const plain = isObject(payload) ? payload : payload === undefined ? {} : { payload };
    const { write = (message) => message } = this.options;
    return { type, raw: JSON.stringify(write({ ...plain, ...more, [this.key]: type }), base64) };
  }

  /** A message as it goes up: with what the server calls the session, unless `write` made no object of it. */
  whole({ type, raw }) {
    const message = typeof raw === "string" ? JSON.parse(raw) : { [this.key]: type, data: raw };
    return isObject(message) ? { [this.member]: this.id, ...message } : message;
  }

  /** What goes over a WebSocket. */
  textOf(body) {
    return this.id === undefined || typeof body.raw !== "string" ? body.raw : JSON.stringify(this.whole(body));
  }

  /** What goes up in a POST: the message, or what `post` makes of it. */
  shapeOf(message) {
    const shape = this.post.get(message.type) ?? this.post.get("*");
    const whole = this.whole(message);
    const { path = "", body = whole, ...init } = /** @type {any} */ (typeof shape === "function" ? shape(whole) : shape) ?? {};
    return { path, init, body: body === whole || [Object, Array].includes(body?.constructor) ? JSON.stringify(body, base64) : body };
  }

  /** Takes apart what came. A later link goes on from `id`. */
  receive(host, attempt, data, name, id) {
    const { envelope } = this.options;
    // What answers a POST says nothing of the way down.
    const accept = () => (name === ANSWER ? host.links.has(attempt) : host.accept(attempt, 0));
    if (envelope) {
      const opened = accept() && envelope({ data, id });
      if (!opened) return;
      ({ data, id } = opened);
    }
    if (id !== undefined) host.lastEventId = id;
    if (typeof data !== "string" && this.options.binary) data = new TextDecoder().decode(data);
    if (typeof data !== "string") return void (accept() && host.message("binary", new Uint8Array(data)));
    let value;
    try {
      value = JSON.parse(data);
    } catch {}
    let told = name === ANSWER;
    for (const item of [value].flat()) {
      let type;
      try {
        type = this.typeOf(item);
      } catch {}
      type ??= name === "message" ? undefined : name;
      if (typeof type !== "string") {
        if (told) continue;
        told = true;
        const taken = accept();
        if (!this.options.raw) host.badMessage(data);
        else if (taken) host.message("raw", data);
        continue;
      }
      const folded = this.fold(type);
      const [ready, named, replied, refused] = this.signs.map((names) => names.includes(folded));
      if (named) this.id = item?.[this.member] ?? this.id;
      if (ready) host.tell(READY, attempt);
      if (!accept()) continue;
      this.last = item;
      const id = item?.[this.options.reply?.match];
      if (replied && host.reply(id, true, item)) continue;
      if (refused) host.refusal(id, item, this.options.errors);
      host.message(this.alias.get(folded) ?? type, item);
    }
  }

  /** Begins what goes before a round of attempts, and abandons what went before the last one. `call` calls a function of the application's for it. */
  round(host) {
    this.abandon();
    const { signal: superseded } = (this.#preparing = new AbortController());
    // What heeds no signal comes too late, too.
    const call = async (run, name) => {
      host.asking = name;
      const found = await host.call((signal) => run(AbortSignal.any([signal, superseded])));
      superseded.throwIfAborted();
      return found;
    };
    return { call, superseded };
  }

  /** What is asked before a round of attempts is not wanted any more. */
  abandon() {
    this.#preparing.abort();
  }

  /** Does what goes before a round of attempts. */
  async prepare(host) {
    const { health, session } = this.options;
    const { call } = this.round(host);
    if (health) {
      if (Date.now() >= this.again) {
        const response = await call((signal) => fetch(health, request(host, signal)), "health");
        const { status } = response;
        this.illness = (status === 429 || status >= 500) && statusError(status);
        this.again = Date.now() + retryAfter(response);
      }
      if (this.illness) throw this.illness;
    }
    if (session?.start && !this.found) {
      const found = await call(async (signal) => {
        const found = await session.start({ signal });
        if (!(found instanceof Response)) return found;
        const answer = await found.text();
        if (!found.ok) throw statusError(found.status, answer);
        return JSON.parse(answer);
      }, "session.start");
      const { [this.member]: id, wsUrl, endpoints } = found ?? {};
      if ((id ?? endpoints ?? wsUrl) === undefined) throw new TypeError("no " + this.member);
      this.id = id;
      this.found = { ...(wsUrl !== undefined && { websocket: wsUrl }), ...endpoints };
    }
    await this.greet(host, call);
  }

  /** Asks what goes before all others over the next link. @param {any} host @param {(run: any, name?: string) => any} [call] */
  async greet(host, call = (run) => host.call(run)) {
    const { id: sessionId, options: { hello } } = this;
    const { lastEventId, stats, token } = host;
    const ask = (signal) => hello({ reconnect: stats.lost > 0, sessionId, lastEventId, token, signal });
    const first = typeof hello === "function" ? await call(ask, "hello") : hello;
    this.greeting = [first ?? []].flat().map((message) => this.encode(message[this.key], message));
  }
}
