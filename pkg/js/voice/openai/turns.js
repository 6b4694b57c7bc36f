// A session gives one response at a time, and refuses to be asked for another meanwhile: who asks for one waits for the one under way.

import { bounded } from "../../listeners.js";

export class Turns {
  #busy;
  /** Those who wait for their turn. @type {(() => void)[]} */
  #waiting = [];
  /** Whether one was asked for and has not begun. @type {"free" | "asked"} */
  #state = "free";

  /** @param {() => boolean} busy whether a response is under way */
  constructor(busy) {
    this.#busy = busy;
  }

  /** Whether one is under way, or about to be. */
  get taken() {
    return this.#state === "asked" || this.#busy();
  }

  /** Resolves when a response may be asked for, by whoever called. @param {AbortSignal} [signal] */
  async take(signal) {
    while (this.taken) await bounded({ signal }, (resolve) => this.#waiting.push(resolve));
    this.#state = "asked";
  }

  /** @param {any} event */
  hear({ type }) {
    if (type === "response.created" || type === "error") this.free();
    else if (type === "response.done") this.#wake();
  }

  /** What was asked for has begun, or never will. */
  free() {
    this.#state = "free";
    this.#wake();
  }

  #wake() {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
