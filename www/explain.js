import { copy, el, find, isShortcut, write } from "./dom.js";
import { TRANSPORTS, endedWell, ending, span } from "./words.js";

const ROWS = 60;

/** The drawer with `session.explain()`: the summary and every attempt. */
export class Explain {
  #session;
  #drawer = find("#explain");
  #opener = find("#explain-open");
  #shown = "";

  constructor() {
    this.#opener.addEventListener("click", () => this.#toggle());
    find("#explain-shut").addEventListener("click", () => this.#drawer.close());
    find("#explain-copy").addEventListener("click", (event) => copy(event.currentTarget, JSON.stringify(this.#session?.explain() ?? null, null, 2)));
    this.#drawer.addEventListener("close", () => this.#opener.focus());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#drawer.open) this.#drawer.close();
      if (event.key === "e" && isShortcut(event)) this.#toggle();
    });
    setInterval(() => this.#drawer.open && this.#show(), 500);
  }

  follow(session) {
    this.#session = session;
  }

  /** Stays beside the page, which goes on: not a modal dialog. */
  #toggle() {
    if (this.#drawer.open) return this.#drawer.close();
    this.#show();
    this.#drawer.show();
    find("#explain-shut").focus();
  }

  #show() {
    if (!this.#session) return;
    const { startedAt, lastHeardAt, summary, attempts, guarantee, halfOpenDetection } = this.#session.explain();
    const began = new Date(startedAt);
    const heard = lastHeardAt === null ? "nothing heard so far" : `last heard ${ago(Date.now() - began - lastHeardAt)}`;
    write(find("#explain-summary"), `${summary}\nDelivery: ${guarantee}. A silent link ${halfOpenDetection ? "is" : "is not"} noticed. Since ${began.toTimeString().slice(0, 8)}, ${heard}.`);
    const latest = attempts.slice(-ROWS).reverse();
    const key = JSON.stringify(latest);
    if (key === this.#shown) return;
    this.#shown = key;
    find("#explain-rows").replaceChildren(...latest.map(row));
  }
}

const ago = (ms) => (ms < 1_000 ? "just now" : `${Math.floor(ms / 1_000)} s ago`);

function row(attempt) {
  const after = (ms) => el("td", {}, ms === undefined ? "–" : span(ms));
  const over = attempt.outcome === "ended";
  const tone = attempt.outcome === "carrying" ? "good" : over && !endedWell(attempt) ? "bad" : "";
  const lived = attempt.endedAfter === undefined ? undefined : attempt.endedAfter - (attempt.takenAfter ?? 0);
  return el("tr", {},
    el("td", {}, attempt.id),
    el("td", { "data-transport": attempt.transport }, el("span", { class: "hue" }, TRANSPORTS[attempt.transport]?.name ?? attempt.transport), el("small", {}, attempt.address ?? "")),
    after(attempt.openedAfter), after(attempt.readyAfter), after(lived),
    el("td", {}, el("span", { class: tone }, over ? ending(attempt) : attempt.outcome), attempt.diagnosis ? el("small", {}, attempt.diagnosis) : null),
  );
}
