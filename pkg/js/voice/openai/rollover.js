// OpenAI ends a session after an hour without a warning: when to go over to the next one.

/** Milliseconds before the end at which a quiet moment is looked for, and at which none is waited for; with short sessions a share of them. */
const [QUIET_BEFORE, LATEST_BEFORE] = [300_000, 120_000];
const [QUIET_SHARE, LATEST_SHARE] = [0.5, 0.65];

/** Pages that were opened together are not to move together: a share of the span, either way. */
const SPREAD = 0.03;

const [AFTER, LATEST] = [3_300_000, 3_480_000];

/** Milliseconds that a session lasts which follows ones that said they were over too soon: the page's clock may be what is wrong. */
const LEAST = 300_000;

/** Milliseconds of which a timer would make none. */
const NEVER = 2 ** 31;

/** The clock of one session after the other. */
export class Rollover {
  #after;
  #latest;
  #on;
  #timers = [];
  /** Milliseconds until a session is due at the least, whatever it says: this one, and the one that follows it. */
  #least = 0;
  #next = 0;
  /** @type {"off" | "young" | "due"} */
  #state = "off";

  /** @param {any} options milliseconds `after` and `latest`, or `false` @param {{ quiet(): boolean, move(): void }} on */
  constructor(options = {}, on) {
    const { after = AFTER, latest = Math.max(LATEST, after) } = options || { after: Infinity };
    this.#after = after;
    this.#latest = latest;
    this.#on = on;
  }

  /** A session begins, which ends in so many milliseconds at the latest. One that seems to be over tells of the page's clock, not of its own end. */
  begin(lifetime = Infinity) {
    this.end();
    if (this.#after === Infinity) return;
    const left = lifetime > 0 ? lifetime : Infinity;
    const told = Math.max(left - QUIET_BEFORE, left * QUIET_SHARE);
    const age = Math.max(this.#least, told);
    this.#next = told < LEAST ? Math.min(2 * age, LEAST) : 0;
    const after = Math.min(this.#after * (1 + SPREAD * (2 * Math.random() - 1)), age);
    const latest = Math.min(this.#latest, Math.max(this.#least, left - LATEST_BEFORE, left * LATEST_SHARE));
    this.#state = "young";
    const due = () => {
      this.#state = "due";
      this.look();
    };
    const at = (ms, act) => ms < NEVER && this.#timers.push(setTimeout(act, ms));
    at(after, due);
    at(latest, () => this.#move());
  }

  /** Something happened: this may be the moment. */
  look() {
    if (this.#state === "due" && this.#on.quiet()) this.#move();
  }

  end() {
    this.#state = "off";
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
  }

  #move() {
    this.end();
    this.#least = this.#next;
    this.#on.move();
  }
}
