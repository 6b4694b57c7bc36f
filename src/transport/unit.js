// Units: frames put together for the wire, and taken apart again (PROTOCOL.md P1).

import { fromBase64 } from "../../pkg/js/base64.js";
import { BAD_ADDRESS, BLOCKED, FRAMES, PROTOCOL, TIMEOUT, UNAVAILABLE } from "../../pkg/js/core.js";

/** The cause of what a constructor threw: WebKit throws for what a content security policy forbids; others fail later.
 * @param {any} error */
export const causeOf = ({ name }) => ({ SyntaxError: BAD_ADDRESS, ReferenceError: UNAVAILABLE })[name] ?? BLOCKED;

/** Spells a message. Its body is `{ text }`, `{ type, bytes }`, or `{ raw }` where the dialect has no frames. */
export function message(n, request, body) {
  if (body.raw) return body;
  if (body.bytes) return { head: `[${n},${body.type}]`, bytes: body.bytes };
  return request ? `["req",${n},${request},${body.text}]` : `[${n},${body.text}]`;
}

/** Spells a unit as what goes over the wire: one string for frames in a row, one item for each message with bytes. */
export function pack(unit, token) {
  const packed = [];
  let frames = [];
  const flush = () => {
    if (frames.length) packed.push(`[${frames}]`);
    frames = [];
  };
  for (const item of unit) {
    if (typeof item === "string") frames.push(item);
    else if (item.hello) frames.push(JSON.stringify(["hello", { ...item.hello, token }]));
    else {
      flush();
      packed.push(item.raw ? item : packBytes(item));
    }
  }
  flush();
  return packed;
}

function packBytes({ head, bytes }) {
  const header = new TextEncoder().encode(head);
  const unit = new Uint8Array(2 + header.length + bytes.length);
  new DataView(unit.buffer).setUint16(0, header.length);
  unit.set(header, 2);
  unit.set(bytes, 2 + header.length);
  return unit;
}

/**
 * Gathers what a task sends: its first unit is written at once, the rest as one unit at its end, or as soon as it has so many characters.
 * @param {(unit: any[]) => void} write @param {number} limit
 */
export function gatherer(write, limit) {
  /** @type {any[] | undefined} */
  let gathered;
  let length = 0;
  const flush = () => {
    const unit = gathered;
    gathered = undefined;
    if (unit?.length) write(unit);
  };
  const send = (unit) => {
    if (!gathered) {
      write(unit);
      gathered = [];
      length = 0;
      queueMicrotask(flush);
      return;
    }
    gathered.push(...unit);
    for (const item of unit) length += item.length ?? item.bytes?.length ?? 0;
    if (length > limit) {
      write(gathered.splice(0));
      length = 0;
    }
  };
  return { send, flush };
}

/** Stands for an event's name where a unit is the answer to a POST. */
export const ANSWER = null;

/** Takes a unit apart: messages go to the page if the core accepts their numbers, the rest to the core. */
export function receive(host, attempt, data, name, id) {
  host.heardAt = performance.now();
  try {
    if (host.json) return host.json.receive(host, attempt, data, name, id);
    const unit = typeof data === "string" ? JSON.parse(data) : [unpackBytes(data)];
    let turn = 0;
    let delivered = 0;
    for (const frame of unit) {
      const n = frame[0];
      if (typeof n === "number") {
        const verdict = host.accept(attempt, n);
        turn |= verdict;
        if (!(verdict & 1)) host.stats.duplicates++;
        else if (host.message(frame[1], frame[2], frame[3])) delivered = n;
      } else {
        const verdict = receiveNamed(host, attempt, frame);
        turn |= verdict;
        if (verdict & 4) delivered = frame[1];
      }
    }
    if (delivered && host.keep) {
      host.enter((core) => core.delivered(delivered));
      host.keep?.received(delivered);
    }
    // What answers a POST says nothing of the way down.
    const due = name !== ANSWER && host.heard(attempt, data.length ?? data.byteLength);
    if (due || turn & 2) host.tell(TIMEOUT);
  } catch {
    host.ended(attempt, PROTOCOL);
  }
}

/** Returns the core's verdict on a numbered frame; bit 2 says that somebody heard it, or nobody needs to. */
function receiveNamed(host, attempt, frame) {
  const [name, a, b, c, d] = frame;
  if (name === "bin" || name === "rep" || name === "err") {
    const verdict = host.accept(attempt, whole(a));
    if (!(verdict & 1)) host.stats.duplicates++;
    else if (name === "bin") return host.message(b, fromBase64(c), d) ? verdict | 4 : verdict;
    else {
      host.reply(b, name === "rep", c);
      return verdict | 4;
    }
    return verdict;
  }
  if (!Object.hasOwn(FRAMES, name)) throw name;
  if (name === "ready") {
    if (typeof a.session !== "string") throw name;
    host.unit = a.unit;
    const link = host.links.get(attempt);
    if (link) link.session = a.session;
    host.progress?.("session", "done");
    const numbers = [a.received, a.heartbeat, a.window, a.unit].map(whole);
    host.tell(FRAMES.ready, attempt, host.nameOf(a.session), ...numbers);
  } else host.tell(FRAMES[name], attempt, whole(a), name === "close" && b != null ? whole(b) : -1);
  return 0;
}

function unpackBytes(data) {
  const length = new DataView(data).getUint16(0);
  const [n, type, id] = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 2, length)));
  return [whole(n), type, new Uint8Array(data, 2 + length), id];
}

function whole(n) {
  if (!Number.isSafeInteger(n) || n < 0) throw n;
  return n;
}
