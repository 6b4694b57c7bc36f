// Runs in the page: each contender gets the same payloads through a fake socket, in alternating rounds.

const ROUNDS = 5;
const MESSAGES = 100_000;
const BLOCK = 10_000;
const ID = 123456;

/** 101 bytes of JSON. */
const PAYLOAD = JSON.stringify({ type: "T", id: ID, text: "The quick brown fox jumps over the lazy dog, and so", at: 1795249898 });

/** A socket whose messages come from this page. They are real events, dispatched as the browser does. */
class FakeSocket extends EventTarget {
  static made = [];

  constructor() {
    super();
    FakeSocket.made.push(this);
    queueMicrotask(() => this.dispatchEvent(new Event("open")));
  }

  send(unit) {
    if (typeof unit === "string" && unit.startsWith('[["hello"')) {
      const ready = { session: "tax", resumed: true, received: 0, heartbeat: 15_000, window: 120_000, unit: 1 << 20 };
      queueMicrotask(() => this.receive(JSON.stringify([["ready", ready]])));
    }
  }

  receive(data) {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }

  close() {}
}
for (const name of ["open", "message", "close", "error"]) {
  Object.defineProperty(FakeSocket.prototype, "on" + name, {
    set(handler) {
      if (this["$" + name]) this.removeEventListener(name, this["$" + name]);
      if (handler) this.addEventListener(name, handler);
      this["$" + name] = handler;
    },
  });
}
globalThis.WebSocket = FakeSocket;

const { connect } = await import("/throughline.js");
let heard = 0;
const listener = (payload) => (heard += payload.id);

/** Each opens a link and returns its socket and how a payload is wrapped. Add a peer by adding a line. */
const CONTENDERS = {
  async bare() {
    const socket = new FakeSocket();
    socket.addEventListener("message", (event) => listener(JSON.parse(event.data)));
    return { socket, wrap: () => PAYLOAD };
  },
  async throughline() {
    const socket = await session({});
    return { socket, wrap: (n) => `[[${n},"T",${PAYLOAD}]]` };
  },
  async json() {
    const socket = await session({ dialect: "json" });
    return { socket, wrap: () => PAYLOAD };
  },
};

async function session(options) {
  const session = connect({ ...options, transports: ["websocket"], remember: false });
  session.on("T", listener);
  await new Promise((resolve, reject) => {
    session.on("state", ({ to, error }) => (to === "connected" ? resolve() : to === "failed" && reject(error)));
  });
  return FakeSocket.made.at(-1);
}

/** Flat strings of their own, as a browser makes them of bytes: a rope would be flattened on the clock. */
function units(wrap, from) {
  const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
  return Array.from({ length: MESSAGES }, (_, i) => decoder.decode(encoder.encode(wrap(from + i))));
}

/** Delivers a block of a contender's messages and returns the milliseconds it took. */
function deliver({ name, socket, list }, from) {
  heard = 0;
  const start = performance.now();
  for (let i = from; i < from + BLOCK; i++) socket.receive(list[i]);
  const span = performance.now() - start;
  if (heard !== BLOCK * ID) throw new Error(`${name} delivered ${heard / ID} of ${BLOCK}`);
  return span;
}

async function measure() {
  if (PAYLOAD.length !== 101) throw new Error(`the payload has ${PAYLOAD.length} bytes`);
  const running = [];
  for (const [name, start] of Object.entries(CONTENDERS)) running.push({ name, ...(await start()), next: 1, spans: [] });
  for (let round = -1; round < ROUNDS; round++) {
    for (const contender of running) {
      contender.list = units(contender.wrap, contender.next);
      contender.next += MESSAGES;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    // In turns of a block each, another one first each time: what else the machine does falls on all alike.
    for (let from = 0; from < MESSAGES; from += BLOCK) {
      running.push(running.shift());
      for (const contender of running) {
        const span = deliver(contender, from);
        if (round >= 0) contender.spans.push((span * 1e6) / BLOCK);
      }
    }
  }
  return { rounds: ROUNDS, messages: MESSAGES, contenders: Object.fromEntries(running.map(({ name, spans }) => [name, spans])) };
}

const result = await measure().catch((error) => ({ error: String(error?.stack ?? error) }));
await fetch("/result", { method: "POST", body: JSON.stringify(result) });
