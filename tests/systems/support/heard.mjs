// What has come so far, and waiting for what is to come.

/** How long anything that has to come may take, in milliseconds. */
export const LIMIT = 10_000;

export class Heard {
  all = [];
  #what;
  #ended = false;
  #waiting = new Set();

  constructor(what) {
    this.#what = what;
  }

  add(item) {
    this.all.push(item);
    this.#wake();
  }

  /** Says that nothing more will come. */
  end() {
    this.#ended = true;
    this.#wake();
  }

  /** The first that is wanted, of what has come and what will; with `from`, only of those after so many. */
  until(wanted, from = 0) {
    return this.#wait(() => {
      const found = this.all.findIndex((item, at) => at >= from && wanted(item));
      return found < 0 ? undefined : { value: this.all[found] };
    }, String(wanted));
  }

  /** The first `count` of all. */
  first(count) {
    return this.#wait(() => (this.all.length < count ? undefined : { value: this.all.slice(0, count) }), `${count} of them`);
  }

  /** All there is, once nothing more will come. */
  whole() {
    return this.#wait(() => (this.#ended ? { value: this.all } : undefined), "the end");
  }

  #wait(look, wanted) {
    return new Promise((resolve, reject) => {
      const done = (settle, value) => {
        clearTimeout(timer);
        this.#waiting.delete(attend);
        settle(value);
      };
      const fail = (why) => done(reject, new Error(`${this.#what}: ${wanted} ${why}, but ${JSON.stringify(this.all).slice(0, 2_000)}`));
      const timer = setTimeout(() => fail("never came"), LIMIT);
      const attend = () => {
        const found = look();
        if (found) done(resolve, found.value);
        else if (this.#ended) fail("cannot come any more");
      };
      this.#waiting.add(attend);
      attend();
    });
  }

  #wake() {
    for (const attend of [...this.#waiting]) attend();
  }
}
