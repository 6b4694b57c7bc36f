// The page-side host of one test session: what `pkg/js/host.js` is in the package, and nothing more.

const SEND = 17;
const TIMEOUT = 4;
const ENDED = 11;
const STATE = 0;
const SETTLED = 4;
const DEADLINE = 10_000;

export class Page {
  json = null;
  credentials = "omit";
  native = false;
  token = undefined;
  sends = new Map();
  stats = { duplicates: 0 };
  state = 0;
  delivered = 0;
  meddled = 0;
  #heard = [];
  #settled = [];
  #alarm;
  #meddles = false;
  #origin = performance.now();

  constructor(url, parser) {
    this.url = url;
    this.parser = parser;
  }

  start(core) {
    this.core = core;
  }

  free() {
    clearTimeout(this.#alarm);
    this.core.free();
    this.core = undefined;
  }

  tell(kind, a, b = 0, c = 0, d = 0, e = -1) {
    this.core?.tell(kind, a, b, c, d, e);
  }

  ready(attempt) {
    this.core.ready(attempt, "late", 0, 15_000, 120_000, 1 << 20);
  }

  accept(attempt, n) {
    return this.core.accept(attempt, n);
  }

  send(kind, payload) {
    const ticket = this.sends.size + 1;
    const text = `${JSON.stringify(kind)},${payload}`;
    this.sends.set(ticket, { body: { text } });
    this.tell(SEND, ticket, 0, text.length);
  }

  meddle() {
    this.#meddles = true;
  }

  untilState(state) {
    return this.#until(() => this.state === state, () => `state ${state}, it is ${this.state}`);
  }

  async untilHeard(count) {
    await this.#until(() => this.#heard.length >= count, () => `${count} messages, but ${this.#heard.length}`);
    return JSON.stringify(this.#heard);
  }

  async untilSettled(count) {
    await this.#until(() => this.#settled.length >= count, () => `${count} decided sends, but ${this.#settled.length}`);
    return JSON.stringify(this.#settled);
  }

  // What the driver calls.

  deliver(events) {
    events = events.slice();
    for (let i = 0; i < events.length; i += 8) {
      this.delivered++;
      if (events[i] === STATE) this.state = events[i + 2];
      if (events[i] === SETTLED) this.#settled.push(events[i + 2]);
    }
    this.#callBack();
  }

  setAlarm(ms) {
    clearTimeout(this.#alarm);
    if (ms >= 0) this.#alarm = setTimeout(() => this.tell(TIMEOUT, 0), ms);
  }

  now() {
    return performance.now() - this.#origin;
  }

  askToken() {
    throw new Error("no token is expected to be asked for");
  }

  // What the transports call.

  hold(handle) {
    return handle;
  }

  address(_attempt, _purpose, use) {
    if (this.url) use(this.url);
  }

  ended(attempt, cause, code = 0, status = 0, retryAfter = -1) {
    queueMicrotask(() => this.tell(ENDED, attempt, cause, code, status, retryAfter));
  }

  refused(attempt, _address, cause) {
    this.ended(attempt, cause);
  }

  message(type, payload) {
    this.#heard.push([type, payload]);
    this.#callBack();
  }

  trap(error) {
    throw error;
  }

  /** Calls everything that an application may call from inside a listener. */
  #callBack() {
    if (!this.#meddles || !this.core || this.meddled > 50) return;
    this.meddled++;
    this.core.inspect();
    this.send("ECHO", String(this.meddled));
    this.core.accept(99, 1);
    this.tell(TIMEOUT, 0);
    this.tell(0, 0);
    this.tell(5, 0);
  }

  async #until(holds, what) {
    const deadline = performance.now() + DEADLINE;
    while (!holds()) {
      if (performance.now() > deadline) throw new Error(`not within ${DEADLINE} ms: ${what()}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
