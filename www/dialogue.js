import { el, find, keepEnd, write } from "./dom.js";

/** The conversation that a session keeps by itself: a line for each message, in its order, whenever their text comes. */
export class Dialogue {
  #log = find("#room-log");
  #lines = new Map();
  #session;

  follow(session) {
    this.#session = session;
    this.#lines.clear();
    session.conversation?.on("change", (view) => session === this.#session && keepEnd(this.#log, () => this.#show(view)));
  }

  #show({ messages, calls }) {
    let next = null;
    for (const message of messages.toReversed()) {
      const line = this.#lineOf(message.id, () => el("div", { class: message.who === "user" ? "me" : "them", "data-id": message.id }, el("span"), el("span", { class: "tick" })));
      line.dataset.final = message.status !== "in_progress";
      line.dataset.is = message.status;
      write(line.firstElementChild, message.text || "…");
      if (next && !(line.compareDocumentPosition(next) & Node.DOCUMENT_POSITION_FOLLOWING)) next.before(line);
      next = line;
    }
    for (const { id, name, status, output } of calls) {
      const line = this.#lineOf(id, () => el("div", { class: "note", "data-call": name }));
      write(line, `${name} was called${output === undefined ? (status === "completed" ? "" : "…") : `: ${output}`}`);
    }
  }

  #lineOf(id, make) {
    const line = this.#lines.get(id) ?? make();
    if (!this.#lines.has(id)) {
      this.#lines.set(id, line);
      this.#log.append(line);
    }
    return line;
  }
}
