// `tests/data/frames`, read and written by the package's own code: what comes down means what the files say, and what
// goes up is spelled as they spell it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { CONTROL, FRAMES, HELLO, MESSAGE, PROTOCOL, TRANSMIT } from "../../pkg/js/core.js";
import { perform } from "../../pkg/js/perform.js";
import { pack, receive } from "../../src/transport/unit.js";

const golden = (file) => JSON.parse(readFileSync(new URL(`../data/frames/${file}.json`, import.meta.url), "utf8"));
const UNITS = ["handshake", "messages", "control"].flatMap(golden);
const BINARY = golden("binary");

/** What the core is told of, by number. */
const NAMES = Object.fromEntries(Object.entries(FRAMES).map(([name, number]) => [number, name]));

/** The place of each frame in `CONTROLS` of perform.js. */
const CONTROLS = { take: 0, ack: 1, ping: 2, pong: 3, close: 4, auth: 5 };

/** Stands where the page's host does, accepts every number, and writes down what it is told. */
class Recorder {
  told = [];
  endings = [];
  names = [];
  links = new Map();
  stats = { duplicates: 0 };
  #n;

  accept(_, n) {
    this.#n = n;
    return 1;
  }

  heard() {
    return false;
  }

  /** The core is told what was delivered, which nobody looks at here. */
  enter() {}

  message(type, payload, event) {
    if (typeof type !== "string") throw type;
    const data = payload instanceof Uint8Array ? { bytes: [...payload] } : { json: payload };
    this.told.push({ message: { n: this.#n, type, ...data, ...(event === undefined ? {} : { event }) } });
    return true;
  }

  reply(id, ok, payload) {
    this.told.push({ [ok ? "rep" : "err"]: { n: this.#n, id, json: payload } });
    return true;
  }

  nameOf(session) {
    return this.names.push(session) - 1;
  }

  tell(input, attempt, ...rest) {
    assert.equal(attempt, 1);
    const name = NAMES[input];
    if (name === "ready") {
      const [session, received, heartbeat, window, unit] = rest;
      this.told.push({ ready: { session: this.names[session], received, heartbeat, window, unit } });
    } else if (name === "close") this.told.push({ close: { code: rest[0], retry: rest[1] < 0 ? null : rest[1] } });
    else this.told.push({ [name]: rest[0] });
  }

  ended(attempt, cause) {
    this.endings.push([attempt, cause]);
  }
}

/** The files' meaning as the page has it: payloads parsed, and what the page has no use for left out. */
function asHeard(means) {
  const [[name, meaning]] = Object.entries(means);
  if (typeof meaning !== "object") return means;
  const { resumed, json, ...rest } = meaning;
  return { [name]: json === undefined ? rest : { ...rest, json: JSON.parse(json) } };
}

const down = ({ direction }) => direction !== "up";
const up = ({ direction }) => direction !== "down";

function hear(data) {
  const host = new Recorder();
  receive(host, 1, data);
  return host;
}

// P1.5, P1.7, P1.9, P2.7, P3.6
for (const { name, text, means } of UNITS.filter(down)) {
  test(`down: ${name}`, () => {
    const { told, endings } = hear(text);
    assert.deepEqual(endings, []);
    assert.deepEqual(told, means.map(asHeard));
  });
}

// P1.6
for (const { name, hex, means, page } of BINARY.filter(down)) {
  test(`down, binary: ${name}`, () => {
    const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
    const { told, endings } = hear(bytes.buffer);
    if (means) assert.deepEqual({ told, endings }, { told: [{ message: means }], endings: [] });
    else if (page === "lenient") assert.deepEqual(endings, []);
    else assert.deepEqual({ told, endings }, { told: [], endings: [[1, PROTOCOL]] });
  });
}

// P2.10: what is wrong in what the page does not look at is "lenient".
for (const { name, text, page } of golden("refused").filter(down)) {
  test(`down, refused: ${name}`, () => {
    const { endings } = hear(text);
    assert.deepEqual(endings, page === "lenient" ? [] : [[1, PROTOCOL]]);
  });
}

/** The core's numbers for what a client says, and the sends that they name; `undefined` for what a page cannot say. */
function spell(means, token) {
  const numbers = [];
  const sends = new Map();
  const names = [];
  const control = (name, a, b = -1) => numbers.push(CONTROL, CONTROLS[name], a, b);
  for (const frame of means) {
    if (frame === "auth") {
      control("auth", 0);
      continue;
    }
    const [[name, meaning]] = Object.entries(frame);
    if (name === "hello") {
      const words = (hex) => hex.match(/.{8}/g).map((word) => parseInt(word, 16));
      const session = meaning.session ? names.push(meaning.session) - 1 : -1;
      numbers.push(HELLO, session, meaning.received, ...words(meaning.connect), ...words(meaning.instance));
    } else if (name === "message" || name === "req") {
      const ticket = sends.size + 1;
      numbers.push(MESSAGE, meaning.n, name === "req" ? meaning.id : 0, ticket);
      sends.set(ticket, { body: bodyOf(meaning) });
      if (!sends.get(ticket).body) return;
    } else if (name === "take") control("take", meaning.fence, meaning.received);
    else if (name === "close") {
      if (meaning.retry !== null) return;
      control("close", meaning.code);
    } else control(name, meaning);
  }
  return { numbers: [...numbers, TRANSMIT, 1], sends, names, token };
}

/** As the session makes it of what the application hands it. */
function bodyOf({ type, json, bytes }) {
  if (bytes) return { type: JSON.stringify(type), bytes: Uint8Array.from(bytes) };
  const text = JSON.stringify(JSON.parse(json));
  return text === json && { text: `${JSON.stringify(type)},${text}` };
}

/** Says it through the package's code, and returns what goes over the wire. */
function say({ numbers, sends, names, token }) {
  const wire = [];
  const links = new Map([[1, { send: (unit) => wire.push(...pack(unit, token)) }]]);
  perform({ sends, names, links, token }, numbers);
  return wire;
}

// P2.1, P2.4, P2.7, P3.4
for (const { name, text, canonical = text, means, token } of UNITS.filter(up)) {
  const said = spell(means, token);
  if (!said || !means.length || text.includes('"bin"')) continue;
  test(`up: ${name}`, () => {
    const [unit, ...more] = say(said);
    assert.deepEqual(more, []);
    // The order of an object's members is free.
    if (text.includes('"hello"')) assert.deepEqual(JSON.parse(unit), JSON.parse(canonical));
    else assert.equal(unit, canonical);
  });
}

// P1.6, P3.6: clients send no id.
for (const { name, hex, means } of BINARY.filter(up).filter(({ means }) => means)) {
  test(`up, binary: ${name}`, () => {
    const [unit] = say(spell([{ message: means }]));
    assert.equal(Buffer.from(unit).toString("hex"), hex);
  });
}
