// A session gives one response at a time, and refuses to be asked for another meanwhile: who asks for one waits for the one under way.

import { SessionError } from "../../error.js";
import { bounded } from "../../listeners.js";

/** Milliseconds after which what was asked for, and has neither begun nor been refused, never will. */
const SILENCE = 10_000;

/** The longest span of a timer. */
const LONGEST = 2 ** 31 - 1;

export class Turns {
  #busy;
  #freed;
  /** Those who wait for their turn, oldest first. @type {{ go(): void, reject(error: unknown): void }[]} */
  #waiting = [];
  /** What was asked for and has not begun; once it is written, with its alarm. @type {{ event?: string, alarm?: ReturnType<typeof setTimeout> } | undefined} */
  #asked;

  /** @param {() => boolean} busy whether a response is under way @param {() => void} freed what was asked for never began, and no event says so */
  constructor(busy, freed) {
    this.#busy = busy;
    this.#freed = freed;
  }

  /** Whether one is under way, or about to be. */
  get taken() {
    return this.#asked !== undefined || this.#busy();
  }

  /** Calls what asks for a response by an event: at once, or when it may. The wait counts as time of the command's own.
   * @param {string | undefined} event @param {{ ttl?: number, signal?: AbortSignal }} options @param {(options: any) => Promise<void>} send @returns {Promise<void>} */
  take(event, options, send) {
    if (!this.taken) return this.#ask(event, options, send);
    const { ttl, signal } = options;
    const timeout = ttl === undefined ? undefined : Math.min(ttl, LONGEST);
    const since = performance.now();
    return bounded({ timeout, signal }, (resolve, reject, settled) => {
      const go = () => resolve(this.#ask(event, ttl === undefined ? options : { ...options, ttl: Math.max(0, ttl - (performance.now() - since)) }, send));
      const turn = { go, reject };
      this.#waiting.push(turn);
      settled(() => (this.#waiting = this.#waiting.filter((other) => other !== turn)));
    }, () => new SessionError("expired"));
  }

  /** An error that names no event may be about what was asked for. @param {any} event */
  hear({ type, error }) {
    const about = error?.event_id ?? this.#asked?.event;
    if (type === "response.created" || (type === "error" && about === this.#asked?.event)) this.#free();
    else if (type === "response.done") this.#next();
  }

  /** The session is gone, and with it what was asked of it; what is not written yet is for the next one. */
  lost() {
    if (this.#asked?.alarm !== undefined) this.#free();
    else this.#next();
  }

  /** Nobody is asked any more. */
  end() {
    for (const { reject } of [...this.#waiting]) reject(new SessionError("closed"));
    this.#free();
  }

  #ask(event, options, send) {
    /** @type {{ event?: string, alarm?: ReturnType<typeof setTimeout> }} */
    const asked = (this.#asked = { event });
    const unless = (act) => () => this.#asked === asked && act();
    const free = unless(() => {
      this.#free();
      this.#freed();
    });
    const sent = send(options);
    sent.then(unless(() => (asked.alarm = setTimeout(free, SILENCE))), free);
    return sent;
  }

  /** What was asked for has begun, or never will. */
  #free() {
    clearTimeout(this.#asked?.alarm);
    this.#asked = undefined;
    this.#next();
  }

  #next() {
    if (!this.taken) this.#waiting[0]?.go();
  }
}
