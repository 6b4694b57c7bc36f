import { el, find } from "./dom.js";
import { TRANSPORTS, count, nameOf, span } from "./words.js";

const PREFERRED = Object.keys(TRANSPORTS);

/** Tells in one sentence what just happened to the session, with its figures. */
export class Story {
  #element = find("#story");
  #record;
  #lostAt = null;
  #waited = 0;
  #gap = false;
  #carrier = null;
  #ticker;
  #retryAt = 0;

  /** @param {import("./record.js").Record} record */
  constructor(record) {
    this.#record = record;
  }

  follow(session) {
    this.#lostAt = null;
    this.#gap = false;
    this.#carrier = null;
    const began = performance.now();
    this.#tell("", "Looking for a first link.", " Transports are raced; the first that proves itself is taken.");
    session.on("state", ({ to, error }) => {
      clearInterval(this.#ticker);
      if (to === "reconnecting") this.#lost();
      else if (to === "suspended") this.#tell("bad", "No link for longer than the server remembers.", " Tries go on; new messages are refused.");
      else if (to === "closed") this.#tell("", "Closed as asked.", " “New session” starts another.");
      else if (to === "failed") this.#tell("bad", `Ended: ${error?.message ?? "an error"}.`, error?.remediation ? ` To do: ${error.remediation}.` : "");
      else if (to === "connected") this.#back(session, began);
    });
    session.on("transport", ({ from, to }) => {
      if (from && to && from !== to) {
        const verb = PREFERRED.indexOf(to) < PREFERRED.indexOf(from) ? "Climbed back to" : "Moved to";
        this.#tell("good", `${verb} ${nameOf(to)}`, ` while ${nameOf(from)} still carried: no pause.`);
      }
      if (to) this.#carrier = to;
    });
    session.on("retry", ({ inMs }) => (this.#retryAt = performance.now() + inMs));
    session.on("gap", () => (this.#gap = true));
  }

  #lost() {
    this.#lostAt = performance.now();
    this.#waited = 0;
    const from = nameOf(this.#carrier);
    const since = el("span", { "aria-hidden": "true" });
    const tick = () => {
      this.#waited = Math.max(this.#waited, this.#record.waiting);
      const now = performance.now();
      const next = this.#retryAt - now;
      since.textContent = ` ${span(now - this.#lostAt)} without a link; ${count(this.#record.waiting, "message")} of yours waiting${next > 500 ? `; next try in ${Math.ceil(next / 1000)} s` : ""}.`;
    };
    this.#tell("bad", `${from} is gone, looking for another way.`, since);
    tick();
    this.#ticker = setInterval(tick, 100);
  }

  #back(session, began) {
    const over = nameOf(session.transport);
    if (this.#lostAt === null) {
      return this.#tell("good", `Connected over ${over}`, ` ${span(performance.now() - began)} after the start. Go ahead, then break something.`);
    }
    const after = span(performance.now() - this.#lostAt);
    const waited = this.#waited ? `${count(this.#waited, "message")} waited` : "No message had to wait";
    const kept = this.#gap ? "the server had forgotten the session: history may be missing" : session.guarantee === "effectively-once" ? "the session reports no gap" : "what was under way may be lost, in this dialect";
    this.#tell(this.#gap ? "bad" : "good", `Back over ${over} after ${after}.`, ` ${waited}; ${kept}.`);
    this.#lostAt = null;
    this.#gap = false;
  }

  #tell(tone, strong, ...rest) {
    this.#element.dataset.tone = tone;
    this.#element.replaceChildren(el("b", {}, strong), ...rest);
  }
}
