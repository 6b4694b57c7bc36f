// Units on a data channel: one a message, large ones in parts (PROTOCOL.md annex D), never more than the channel takes.

/** Bytes of a unit that go in one message. */
export const PART = 60_000;

/** Bytes a channel holds before what follows waits, and down to which it empties before more is written. */
const [HIGH, LOW] = [1 << 20, 1 << 16];

/** Bytes a message may have where there are no parts, whatever the other side allows. */
const MESSAGE_LIMIT = 1 << 18;

const LAST = 1;
const TEXT = 2;

/** Cuts a unit into what goes over the wire. @param {string | Uint8Array<ArrayBuffer>} unit @returns {(string | Uint8Array<ArrayBuffer>)[]} */
export function cut(unit) {
  // No character takes more than three bytes.
  if (typeof unit === "string" ? unit.length * 3 <= PART : unit.length <= PART) return [unit];
  const bytes = typeof unit === "string" ? new TextEncoder().encode(unit) : unit;
  if (bytes.length <= PART) return [unit];
  const parts = [];
  for (let at = 0; at < bytes.length; at += PART) {
    const piece = bytes.subarray(at, at + PART);
    const part = new Uint8Array(3 + piece.length);
    part[2] = +(at + PART >= bytes.length) * LAST | +(typeof unit === "string") * TEXT;
    part.set(piece, 3);
    parts.push(part);
  }
  return parts;
}

/** Joins what came in parts. */
export class Joiner {
  /** @type {Uint8Array[]} */
  #parts = [];
  #length = 0;
  #kind = 0;
  #limit;

  /** @param {number} limit bytes of a unit */
  constructor(limit) {
    this.#limit = limit;
  }

  /** Takes a message and returns the unit it completes, if it does. Throws where the protocol is broken. @param {string | ArrayBuffer} data */
  push(data) {
    const bytes = typeof data === "string" ? undefined : new Uint8Array(data);
    if (!bytes || bytes.length < 2 || bytes[0] || bytes[1]) {
      if (this.#parts.length) throw new RangeError("a unit between the parts of another");
      if ((bytes ?? /** @type {string} */ (data)).length > this.#limit) throw new RangeError("a unit over the limit");
      return data;
    }
    const flags = bytes[2];
    const kind = flags & TEXT;
    this.#length += bytes.length - 3;
    if (!(flags <= (LAST | TEXT)) || bytes.length > 3 + PART || bytes.length <= 3 || this.#length > this.#limit) throw new RangeError("no such part");
    if (this.#parts.length && kind !== this.#kind) throw new RangeError("a part of another kind");
    this.#kind = kind;
    this.#parts.push(bytes.subarray(3));
    if (!(flags & LAST)) return undefined;
    const unit = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts.splice(0)) {
      unit.set(part, at);
      at += part.length;
    }
    this.#length = 0;
    return kind ? new TextDecoder("utf-8", { fatal: true }).decode(unit) : unit.buffer;
  }
}

/** Writes in order, as fast as the channel takes it. */
export class Outlet {
  #channel;
  #queue = [];

  /** @param {RTCDataChannel} channel */
  constructor(channel) {
    this.#channel = channel;
    channel.bufferedAmountLowThreshold = LOW;
    channel.onbufferedamountlow = () => this.#drain();
  }

  /** @param {(string | Uint8Array<ArrayBuffer>)[]} messages */
  write(messages) {
    for (const message of messages) this.#queue.push(message);
    if (this.#channel.bufferedAmount <= HIGH) this.#drain();
  }

  /** Hands over all that is left, and hears nothing more. */
  close() {
    this.#channel.onbufferedamountlow = this.#channel.onmessage = null;
    try {
      this.#drain(Infinity);
    } catch {
      // The channel is full beyond all measure: the rest is lost with it.
    }
  }

  #drain(limit = HIGH) {
    const channel = this.#channel;
    // A channel that closed tells so itself.
    while (this.#queue.length && channel.readyState === "open" && channel.bufferedAmount <= limit) channel.send(this.#queue.shift());
  }
}

/** Bytes the other side takes in one message: what its description says, 65 536 if nothing, 0 for all (RFC 8841 §6.1).
 * @param {RTCPeerConnection} pc */
export function messageLimit(pc) {
  const told = pc.sctp?.maxMessageSize ?? Number(/^a=max-message-size:(\d+)/m.exec(pc.remoteDescription?.sdp ?? "")?.[1] ?? 1 << 16);
  return Math.min(told || Infinity, MESSAGE_LIMIT);
}

/** Bytes of a message. @param {string | Uint8Array} message */
export const sizeOf = (message) => (typeof message === "string" ? new TextEncoder().encode(message).length : message.length);
