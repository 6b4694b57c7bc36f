import { SessionError } from "./error.js";

/** Most messages kept for a `waitFor` that may come. */
const UNCONSUMED_LIMIT = 1_000;
/** Most messages kept for a slow iterator. */
const ITERATOR_LIMIT = 10_000;

/** Names that are the session's own; a message of such a type is heard as `message:TYPE`. */
const RESERVED = ["state", "transport", "error", "retry", "rtt", "gap", "drained", "recovered", "message", "lifecycle"];

const PREFIX = "message:";

/** Listeners, waiters and readers of one session. */
export class Listeners {
  /** The session's own events, by name. @type {Map<string, { listener: Function, once: boolean }[]>} */
  #events = new Map();
  /** The application's messages, by type. @type {Map<string, { listener: Function, once: boolean }[]>} */
  #messages = new Map();
  /** Who waits for a message of a type. @type {{ type: string, resolve: Function, reject: Function }[]} */
  waiters = [];
  #unconsumed = [];
  #readers = new Set();
  #reserved;
  #fold;

  /** @param {string[]} [more] names that an entry adds @param {(type: string) => string} [fold] makes types alike that count as the same */
  constructor(more = [], fold = (type) => type) {
    this.#reserved = new Set([...RESERVED, ...more]);
    this.#fold = fold;
  }

  /** @param {string} name @param {Function} listener @param {boolean} once @param {{ signal?: AbortSignal, kept?: boolean }} [options] */
  add(name, listener, once, { signal, kept } = {}) {
    if (typeof listener !== "function") throw new SessionError("bad_option", { message: "a listener must be a function" });
    const [lists, key] = this.#place(name);
    const entry = { listener, once };
    const off = () => remove(lists, key, (other) => other === entry);
    if (signal?.aborted) return off;
    lists.set(key, [...(lists.get(key) ?? []), entry]);
    signal?.addEventListener("abort", off, { once: true });
    for (let found; kept && lists === this.#messages && lists.get(key)?.includes(entry) && (found = this.#take(key)); ) hear(lists, key, entry, found);
    return off;
  }

  remove(name, listener) {
    remove(...this.#place(name), (entry) => !listener || entry.listener === listener);
  }

  /** An event of the session's own. Returns whether somebody listens. */
  emit(name, event) {
    const heard = call(this.#events, name, event);
    return (name !== "message" && call(this.#events, "lifecycle", { name, event })) || heard;
  }

  /** A message of the application's, with its id if it is a topic's event. Returns whether somebody heard it. */
  message(type, payload, id) {
    const key = this.#fold(type);
    const heard = call(this.#messages, key, payload, id);
    const read = this.#events.has("message") || this.#readers.size > 0;
    if (read) {
      const message = id === undefined ? { type, payload } : { type, payload, id };
      this.emit("message", message);
      for (const reader of this.#readers) reader.push(message);
    }
    if (heard) return true;
    const waiter = this.waiters.find((waiter) => waiter.type === key);
    if (waiter) waiter.resolve(payload);
    else {
      this.#unconsumed.push({ key, payload, id });
      if (this.#unconsumed.length > UNCONSUMED_LIMIT) this.#unconsumed.shift();
    }
    return read || !!waiter;
  }

  /** Takes the oldest unconsumed message of a type, if there is one. */
  #take(key) {
    const index = this.#unconsumed.findIndex((message) => message.key === key);
    return index < 0 ? undefined : this.#unconsumed.splice(index, 1)[0];
  }

  /** The oldest unconsumed message of a type, or the next.
   * @param {string} type @param {import("../types/index.js").WaitOptions} [options] */
  wait(type, { timeout = 30_000, signal } = {}) {
    const key = this.#fold(type);
    const found = this.#take(key);
    if (found) return Promise.resolve(found.payload);
    return bounded({ timeout, signal }, (resolve, reject, settled) => {
      const waiter = { type: key, resolve, reject };
      this.waiters.push(waiter);
      settled(() => (this.waiters = this.waiters.filter((other) => other !== waiter)));
    }, () => {
      const arrived = [...new Set(this.#unconsumed.map(({ key }) => key))];
      const instead = arrived.length ? `, but ${arrived.join(", ")} did` : "";
      return new SessionError("timeout", { message: `no ${type} came within ${timeout} ms${instead}`, details: arrived });
    });
  }

  /** An async iterator over every message from now on.
   * @returns {AsyncIterableIterator<any>} */
  read(signal, onOverflow) {
    const queue = [];
    /** @type {(value?: unknown) => void} */
    let wake = () => {};
    let ended = false;
    const reader = {
      push: (message) => {
        if (queue.push(message) > ITERATOR_LIMIT) {
          queue.shift();
          onOverflow();
        }
        wake();
      },
      end: () => {
        ended = true;
        this.#readers.delete(reader);
        wake();
      },
    };
    this.#readers.add(reader);
    if (signal?.aborted) reader.end();
    signal?.addEventListener("abort", reader.end, { once: true });
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        while (!queue.length && !ended) await new Promise((resolve) => (wake = resolve));
        return queue.length ? { value: queue.shift(), done: false } : { value: undefined, done: true };
      },
      async return() {
        queue.length = 0;
        reader.end();
        return { value: undefined, done: true };
      },
    };
  }

  /** Ends what waits. */
  end(error) {
    for (const waiter of [...this.waiters]) waiter.reject(error);
    for (const reader of [...this.#readers]) reader.end();
  }

  #place(name) {
    if (this.#reserved.has(name)) return [this.#events, name];
    return [this.#messages, this.#fold(name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name)];
  }
}

/** Calls the listeners of a name. Returns whether there are any. */
function call(lists, key, payload, id) {
  const list = lists.get(key);
  list?.forEach((entry) => hear(lists, key, entry, { payload, id }));
  return !!list;
}

/** Calls a listener; one that throws harms no other. */
function hear(lists, key, entry, { payload, id }) {
  if (entry.once) remove(lists, key, (other) => other === entry);
  try {
    entry.listener(payload, id === undefined ? {} : { id });
  } catch (error) {
    console.error(`throughline: a listener of "${key}" threw`, error);
  }
}

function remove(lists, key, which) {
  const list = lists.get(key)?.filter((entry) => !which(entry));
  if (list?.length) lists.set(key, list);
  else lists.delete(key);
}

/**
 * A promise with a timeout and a signal. `start` gets resolve, reject, and a way to name what is undone when it settles.
 * @param {import("../types/index.js").WaitOptions} options @param {any} start @param {() => unknown} [late]
 * @returns {Promise<any>}
 */
export function bounded({ timeout, signal }, start, late) {
  return new Promise((resolve, reject) => {
    /** @type {(failed: boolean) => void} */
    let undo = () => {};
    const abort = () => settle(reject, new SessionError("aborted", { cause: signal?.reason }));
    const alarm = timeout === undefined ? undefined : setTimeout(() => settle(reject, late?.()), timeout);
    function settle(how, value) {
      clearTimeout(alarm);
      signal?.removeEventListener("abort", abort);
      undo(how === reject);
      how(value);
    }
    if (signal?.aborted) return abort();
    signal?.addEventListener("abort", abort);
    start((value) => settle(resolve, value), (error) => settle(reject, error), (undoing) => (undo = undoing));
  });
}
