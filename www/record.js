import { nameOf } from "./words.js";

/** Milliseconds of history kept, and the most messages. */
const KEPT = 10 * 60_000;
const MESSAGES = 5_000;

/**
 * What happened to the page's sessions, on one clock (`performance.now()`): the timeline's and the story's material.
 * The session's own log is bounded, so what it told once is kept here.
 */
export class Record {
  /** Attempts of all sessions: the report's members with `start`, `opened`, `ready`, `taken` and `end` as moments. */
  attempts = [];
  /** `{ at, state }`, oldest first. */
  states = [];
  /** `{ at, until, direction, type, lane, failed }`: `at` handed over or arrived, `until` delivered. */
  messages = [];
  /** `{ key, at, until, name, lanes }`. */
  faults = [];
  #byId = new Map();
  #session;
  #origin = 0;
  #turn = 0;

  /** Starts to follow a session that was connected at `origin`. */
  follow(session, origin) {
    this.poll();
    this.#session = session;
    this.#origin = origin;
    this.#turn++;
    this.states.push({ at: origin, state: session.state });
    session.on("state", ({ to }) => {
      if (session === this.#session) this.states.push({ at: performance.now(), state: to });
    });
  }

  /** Takes over what the session knows by now. */
  poll() {
    if (!this.#session) return;
    for (const report of this.#session.explain().attempts) {
      const key = `${this.#turn}.${report.id}`;
      let attempt = this.#byId.get(key);
      if (!attempt) {
        attempt = { key, start: this.#origin + report.startedAt };
        this.#byId.set(key, attempt);
        this.attempts.push(attempt);
      }
      // A report whose beginning has left the session's log counts from a later step: what was seen first holds.
      const start = this.#origin + report.startedAt;
      const moment = (after) => (after === undefined ? undefined : start + after);
      attempt.opened ??= moment(report.openedAfter);
      attempt.ready ??= moment(report.readyAfter);
      attempt.taken ??= moment(report.takenAfter);
      attempt.end ??= moment(report.endedAfter);
      const { id, transport, outcome, code, status, closeCode, diagnosis } = report;
      Object.assign(attempt, { id, transport, outcome, code, status, closeCode, diagnosis });
    }
    this.#prune();
  }

  /** Notes a message handed to the session; its result is told to what this returns. */
  sent(type) {
    const message = { at: performance.now(), direction: "up", type, until: undefined, lane: null };
    this.messages.push(message);
    return {
      delivered: (lane) => Object.assign(message, { until: performance.now(), lane }),
      failed: () => Object.assign(message, { until: performance.now(), failed: true }),
    };
  }

  /** Notes a message that arrived. */
  received(type, lane) {
    const at = performance.now();
    this.messages.push({ at, until: at, direction: "down", type, lane });
  }

  /** Notes which faults are in force from now on. */
  fault(active) {
    const now = performance.now();
    for (const fault of this.faults) {
      if (fault.until === undefined && !active.some(({ key }) => key === fault.key)) fault.until = now;
    }
    for (const { key, name, lanes } of active) {
      if (!this.faults.some((fault) => fault.key === key && fault.until === undefined)) this.faults.push({ key, name, lanes, at: now });
    }
  }

  /** Notes a fault that is over as it begins. */
  cut(name, lanes) {
    const at = performance.now();
    this.faults.push({ key: name, name, lanes, at, until: at });
  }

  /** Messages handed over and not yet delivered. */
  get waiting() {
    return this.messages.filter(({ until }) => until === undefined).length;
  }

  /** Tells an attempt in one line. */
  static tell(attempt) {
    return `${nameOf(attempt.transport)} attempt ${attempt.id}`;
  }

  #prune() {
    const oldest = performance.now() - KEPT;
    const stale = (end) => end !== undefined && end < oldest;
    this.attempts = this.attempts.filter((attempt) => !stale(attempt.end) || !this.#byId.delete(attempt.key));
    this.messages = this.messages.filter(({ until }) => !stale(until));
    if (this.messages.length > MESSAGES) this.messages.splice(0, this.messages.length - MESSAGES);
    this.faults = this.faults.filter(({ until }) => !stale(until));
    while (this.states.length > 2 && this.states[1].at < oldest) this.states.shift();
  }
}
