const STEPS = ["microphone", "api", "session", "transport", "audio"];

/** Tells how far a session has come, in five steps. */
export class Progress {
  #host;
  /** When each step began, and where it stands. @type {Record<string, { status: string, since: number }>} */
  #steps = {};

  /** @param {any} host */
  constructor(host) {
    this.#host = host;
    host.progress = (step, status, error) => this.tell(step, status, error);
    const { listeners } = host;
    listeners.add("state", ({ to, error }) => this.#moved(to, error), false);
    listeners.add("transport", ({ to }) => to && this.#done("session", "transport"), false);
    // Listeners that come right after connect() hear it.
    setTimeout(() => this.#begin());
  }

  #begin() {
    if (!this.#steps.api) this.tell("api", "active");
  }

  /** @param {string} step @param {string} status @param {unknown} [error] */
  tell(step, status, error) {
    if (step === "api" && status === "done") this.#begin();
    const known = this.#steps[step];
    if (!STEPS.includes(step) || known?.status === status) return;
    const at = Math.round(this.#host.now());
    const since = status === "active" ? at : known?.since ?? at;
    this.#steps[step] = { status, since };
    this.#host.listeners.emit("progress", { step, status, at, ms: at - since, ...(error ? { error } : {}) });
    if (step === "api" && status === "done") this.tell("session", "active");
    if (step === "session" && status === "done") this.tell("transport", "active");
  }

  #done(...steps) {
    for (const step of steps) this.tell(step, "done");
  }

  #moved(to, error) {
    if (to === "reconnecting") {
      this.tell("session", "active");
      this.tell("transport", "active");
    }
    if (to !== "failed" && to !== "closed") return;
    for (const step of STEPS) {
      if (this.#steps[step]?.status === "active") this.tell(step, to === "failed" ? "failed" : "skipped", error);
    }
  }
}
