/** Most payloads that wait for a validator. */
const LIMIT = 10_000;

/** Lets through in order what is looked at, at once where nothing before it is still being looked at. */
export class Line {
  #refuse;
  #waiting = 0;
  /** Settles when the last one has been looked at. */
  #last = Promise.resolve();

  /** @param {() => unknown} refuse makes what stands for the result of one too many */
  constructor(refuse) {
    this.#refuse = refuse;
  }

  /** @param {() => any} look gives a result or a promise that never rejects @param {(result: any) => any} go gets it in its turn */
  pass(look, go) {
    if (this.#waiting >= LIMIT) return go(this.#refuse());
    const looked = look();
    if (!this.#waiting && typeof looked.then !== "function") return go(looked);
    this.#waiting++;
    const ready = (this.#last = this.#last.then(() => looked));
    return ready.then((result) => {
      this.#waiting--;
      return go(result);
    });
  }
}
