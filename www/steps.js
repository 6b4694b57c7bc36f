import { el, find, write } from "./dom.js";
import { span } from "./words.js";

const STEPS = { microphone: "Microphone", api: "API", session: "Session", transport: "Transport", audio: "Audio" };
const SAID = { idle: "not yet", active: "under way", done: "done", failed: "failed", skipped: "not needed" };

/** The five steps from nothing to a conversation, as the session tells them. */
export class Steps {
  #list = find("#steps");
  #items = new Map();
  #session;

  constructor() {
    for (const [step, name] of Object.entries(STEPS)) {
      const item = el("li", { "data-is": "idle" }, el("i", { "aria-hidden": "true" }), el("span", { class: "step" }, name), el("span", { class: "took" }), el("span", { class: "hidden" }));
      this.#items.set(step, item);
      this.#list.append(item);
    }
  }

  follow(session) {
    this.#session = session;
    this.#list.hidden = !session.audio;
    for (const step of this.#items.keys()) this.#mark(step, "idle");
    session.on("progress", ({ step, status, ms, error }) => session === this.#session && this.#mark(step, status, ms, error));
  }

  #mark(step, status, ms, error) {
    const item = this.#items.get(step);
    if (!item) return;
    item.dataset.is = status;
    item.title = error ? `${error.message}${error.remediation ? `: ${error.remediation}` : ""}` : SAID[status];
    write(find(".took", item), status === "done" && ms !== undefined ? span(ms) : status === "failed" ? "failed" : "");
    write(find(".hidden", item), SAID[status]);
  }
}
