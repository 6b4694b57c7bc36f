/** Tells when another transport carries a conversation that is under way, and how long no sound flowed. */
export class Rung {
  #host;
  #sounding;
  /** The last transport that carried the session. */
  #last = null;
  /** When sound, or a sign of life, last came through. */
  #flowed = 0;
  #lost;
  /** A change that counts from when the first sound arrives. */
  #pending;

  /** @param {import("./host.js").VoiceHost} host @param {() => boolean} sounding whether there is sound that ought to flow */
  constructor(host, sounding) {
    this.#host = host;
    this.#sounding = sounding;
  }

  /** Sound or a sign of life came through; with `arrived`, ours. */
  flowed(arrived) {
    this.#flowed = performance.now();
    if (arrived && this.#pending) this.#tell(this.#pending);
  }

  /** The last packet of sound came then. */
  heardAt(at) {
    this.#flowed = Math.max(this.#flowed, at);
  }

  /** Another transport carries the session, or none; with `arrives`, it will be known when our sound arrives. */
  carriedBy(to, arrives) {
    if (to === null) {
      this.#lost ??= performance.now();
      return;
    }
    const from = this.#pending?.from ?? this.#last;
    const now = performance.now();
    const since = this.#pending?.since ?? (this.#sounding() ? this.#flowed || now : (this.#lost ?? now));
    this.#lost = this.#pending = undefined;
    this.#last = to;
    if (from === null || from === to) return;
    const change = { from, to, since };
    if (arrives) this.#pending = change;
    else this.#tell(change);
  }

  #tell({ from, to, since }) {
    this.#pending = undefined;
    this.#host.listeners.emit("rung", { from, to, gapMs: Math.max(0, Math.round(performance.now() - since)) });
  }
}
