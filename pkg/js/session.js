import { SessionError } from "./error.js";
import { explain } from "./explain.js";
import { openKeep } from "./keep.js";

/** Characters of a type: a binary unit's head holds it whatever it takes in UTF-8 (P1.6). */
const TYPE_LIMIT = 1_000;

/** One conversation that outlives its transport. */
export class Session {
  #host;
  /** Settles when the core has started, or cannot. */
  #started;

  /** @param {import("./host.js").Host} host */
  constructor(host) {
    this.#host = host;
    host.state = "connecting";
    host.options.check?.(this, host, SessionError, host.json?.fold);
    this.#started = host.kit.load().then(
      async (instance) => {
        const keep = await this.#openKeep(host.options);
        if (this.state !== "connecting") return keep?.end(true);
        try {
          this.#host.state = "idle";
          this.#host.start(instance, keep);
        } catch (cause) {
          this.#host.fail(new SessionError("bad_option", { terminal: true, cause }));
        }
      },
      (error) => this.state === "connecting" && this.#host.fail(error),
    );
  }

  /** Finds what the page before a reload left. What cannot be kept is told; the session works without. */
  async #openKeep({ recover, url }) {
    if (!recover) return;
    let works = true;
    const fail = (cause) => {
      works = false;
      const { keep } = this.#host;
      this.#host.keep = undefined;
      keep?.end(true);
      this.#host.trouble(new SessionError("storage", { cause }));
    };
    try {
      const keep = await openKeep(typeof recover === "string" ? recover : String(url ?? "/realtime"), fail);
      if (works) return keep;
      keep.end(true);
    } catch (cause) {
      fail(cause);
    }
  }

  get state() {
    return this.#host.state;
  }

  get transport() {
    return this.#host.transport;
  }

  get guarantee() {
    return this.#host.json ? "at-most-once" : "effectively-once";
  }

  get bufferedAmount() {
    return this.#host.bytes;
  }

  on(name, listener, options) {
    return this.#host.listeners.add(name, listener, false, options);
  }

  once(name, listener, options) {
    return this.#host.listeners.add(name, listener, true, options);
  }

  off(name, listener) {
    this.#host.listeners.remove(name, listener);
  }

  send(type, payload, options) {
    try {
      if (options?.ttl !== undefined && !(options.ttl >= 0)) throw new SessionError("bad_option", { message: "ttl must be a number of milliseconds" });
      const { body, bytes } = encode(this.#host.json, type, payload);
      return this.#host.send(body, bytes, 0, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async request(type, payload, options) {
    const { json } = this.#host;
    if (json && !json.options.reply) throw new SessionError("unsupported");
    if (payload instanceof Uint8Array) throw new SessionError("unsupported", { message: "a request's payload must be JSON" });
    return this.#host.request((id) => encode(json, type, payload, json ? { [json.options.reply.match]: id } : undefined), options);
  }

  async waitFor(type, options) {
    return this.#host.listeners.wait(type, options);
  }

  messages(options) {
    return this.#host.listeners.read(options?.signal, () => this.#host.overflowed());
  }

  retry() {
    this.#host.retry();
  }

  forget() {
    this.#host.forget();
  }

  stats() {
    const host = this.#host;
    const { bytes, log, sends } = host;
    return {
      state: host.state,
      transport: host.transport,
      ...host.stats,
      attempts: Math.max(0, ...log.map(([, , attempt]) => attempt)),
      buffered: { messages: sends.size, bytes },
    };
  }

  explain() {
    return explain(this.#host, this.guarantee);
  }

  async close() {
    this.#host.close();
    await Promise.all([this.#host.over, this.#started]);
  }
}

/** Writes a message as text at once: later changes of the payload do not matter, and what cannot be written is told to the caller. */
function encode(json, type, payload, more) {
  if (/\p{Surrogate}/u.test(type) || type?.length > TYPE_LIMIT) throw new SessionError("unserialisable", { message: "a message's type must be text, 1000 characters at most" });
  if (payload instanceof ArrayBuffer) payload = new Uint8Array(payload);
  const bytes = ArrayBuffer.isView(payload) ? new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength).slice() : undefined;
  if (bytes) {
    const body = json ? { type, raw: bytes } : { type: JSON.stringify(String(type)), bytes };
    return { body, bytes: bytes.length + 64 };
  }
  let text;
  try {
    if (typeof payload === "function" || typeof payload === "symbol") throw new TypeError(typeof payload);
    if (json) {
      const body = json.encode(type, payload, more);
      return { body, bytes: body.raw.length + 16 };
    }
    text = JSON.stringify(String(type)) + "," + (JSON.stringify(payload) ?? "null");
  } catch (cause) {
    throw new SessionError("unserialisable", { cause });
  }
  return { body: { text }, bytes: text.length + 16 };
}
