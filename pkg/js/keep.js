// What a page keeps of its session for the page after a reload: in `sessionStorage`, owned by whoever holds the Web Lock of its key.

import { fromBase64, toBase64 } from "./base64.js";

const PREFIX = "throughline:";

/** Milliseconds that a reloaded page waits for the one before it to let go of the lock. */
const PATIENCE = 1_500;

/** Goes on with what the page before left, or starts anew where there is nothing or somebody else has it: a duplicated tab.
 * @param {string} name @param {(cause: unknown) => void} onEnd */
export async function openKeep(name, onEnd) {
  const store = sessionStorage;
  const found = read(store, PREFIX + name);
  const release = found && (await hold(found.record.key));
  if (release) return new Keep(store, name, release, found.record, found.left, onEnd);
  const record = { key: crypto.randomUUID(), received: 0, acked: 0 };
  const keep = new Keep(store, name, await hold(record.key), record, [], onEnd);
  if (found) erase(store, found.record.key);
  keep.save();
  return keep;
}

/** Takes a lock for as long as the page lives, or until the returned function is called; `null` if somebody else has it. */
function hold(key) {
  return new Promise((resolve) => {
    const held = () => new Promise((release) => resolve(release));
    navigator.locks.request(PREFIX + key, { signal: AbortSignal.timeout(PATIENCE) }, held).catch(() => resolve(null));
  });
}

/** Reads a record, and the sends that the server has not acknowledged, in their order. Anything in the storage may be somebody else's. */
function read(store, name) {
  try {
    const { key, session, connect, instance, fence, received, acked } = JSON.parse(store.getItem(name));
    const record = { key, session, connect, instance, fence, received, acked };
    const nonce = /^[0-9a-f]{32}$/;
    const taken = nonce.test(connect) && nonce.test(instance) && [fence, received, acked].every(Number.isSafeInteger);
    if (typeof key !== "string" || (session !== undefined && !taken)) return;
    const found = entriesOf(store, key).map((name) => entryOf(store, name));
    const left = found.filter(({ n }) => !n || n > acked).sort((a, b) => a.ticket - b.ticket);
    // What is on its way counts from the last acknowledged one; the record may be a step behind.
    if (left[0]?.n) record.acked = left[0].n - 1;
    if (left.every(({ n }, i) => !n || n === record.acked + 1 + i)) return { record, left };
  } catch {}
}

/** Reads a send as `put` wrote it; throws where it is something else. */
function entryOf(store, name) {
  const entry = { ticket: +name.split(" ")[1], ...JSON.parse(store.getItem(name)) };
  const { ticket, n, request, bytes, text, data } = entry;
  JSON.parse(`[${text}]`);
  if (data) fromBase64(data);
  if (![ticket, n, request, bytes].every(Number.isSafeInteger)) throw name;
  return entry;
}

/** Names of the sends that are kept beside a record. */
function entriesOf(store, key) {
  return Object.keys(store).filter((name) => name.startsWith(PREFIX + key + " "));
}

function erase(store, key) {
  for (const name of entriesOf(store, key)) store.removeItem(name);
}

/** A session's record and its outbox. Storage that fails ends it: `onEnd` is told why. */
export class Keep {
  #store;
  #name;
  #release;
  #onEnd;

  constructor(store, name, release, record, left, onEnd) {
    this.#store = store;
    this.#name = PREFIX + name;
    this.#release = release;
    this.#onEnd = onEnd;
    this.record = record;
    /** Sends that the page before left. */
    this.left = left;
  }

  /** A link took the session. */
  take(session, fence, { connect, instance }) {
    const { record } = this;
    if (session !== record.session) record.acked = 0;
    Object.assign(record, { session, fence, connect, instance });
    this.save();
  }

  /** Everything up to an offset was delivered or acknowledged. */
  received(offset) {
    const { record } = this;
    if (offset === record.received) return;
    // A session that was made anew counts from the start.
    record.received = offset && Math.max(offset, record.received);
    this.save();
  }

  /** Writes a send before it goes over the wire, and again once it has a number. */
  put(ticket, send, n) {
    if (send.n === n) return;
    send.n = n;
    const { body, request, bytes, until } = send;
    const text = body.text ?? body.type;
    const data = body.bytes && toBase64(body.bytes);
    this.#write(() => this.#store.setItem(this.#entry(ticket), JSON.stringify({ n, request, bytes, until, text, data })));
  }

  /** A send is decided. `n` is its number if the server has it. */
  drop(ticket, n) {
    this.#write(() => this.#store.removeItem(this.#entry(ticket)));
    if (n > this.record.acked) {
      this.record.acked = n;
      this.save();
    }
  }

  /** Lets go of the session, or leaves it to a later page. */
  end(forGood) {
    if (forGood) {
      this.#write(() => {
        this.#store.removeItem(this.#name);
        erase(this.#store, this.record.key);
      });
    }
    this.#release();
  }

  #entry(ticket) {
    return `${PREFIX}${this.record.key} ${ticket}`;
  }

  save() {
    this.#write(() => this.#store.setItem(this.#name, JSON.stringify(this.record)));
  }

  #write(act) {
    try {
      act();
    } catch (cause) {
      this.#onEnd(cause);
    }
  }
}
