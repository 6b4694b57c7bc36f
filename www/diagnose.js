import { copy, el, find, isShortcut, write } from "./dom.js";
import { span } from "./words.js";

const NAMES = {
  microphone: "Microphone", token: "Token", sdp: "Offer and answer", udp: "UDP", tcp: "TCP", relay: "TURN alone",
  websocket: "WebSocket", sse: "Server-sent events", clock: "Clock",
};
const place = ({ name }) => Object.keys(NAMES).indexOf(name);
/** What was found, as a word and a tone. */
const VERDICTS = { true: ["works", "good"], false: ["does not", "bad"], null: ["not tried", "none"] };

/** The drawer with what `diagnose()` finds: what works from here, and what to do about the rest. */
export class Diagnose {
  #drawer = find("#diagnose");
  #opener = find("#diagnose-open");
  #again = find("#diagnose-again");
  #copy = find("#diagnose-copy");
  #run;
  #text = "";

  /** @param {(() => Promise<{ checks: object[], text: string }>) | undefined} run nothing in an entry without it */
  constructor(run) {
    this.#run = run;
    this.#opener.hidden = !run;
    if (!run) return;
    this.#opener.addEventListener("click", () => this.#toggle());
    this.#again.addEventListener("click", () => this.#look());
    this.#copy.addEventListener("click", () => copy(this.#copy, this.#text));
    find("#diagnose-shut").addEventListener("click", () => this.#drawer.close());
    this.#drawer.addEventListener("close", () => this.#opener.focus());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#drawer.open) this.#drawer.close();
      if (event.key === "d" && isShortcut(event)) this.#toggle();
    });
  }

  /** Stays beside the page, which goes on: not a modal dialog. */
  #toggle() {
    if (this.#drawer.open) return this.#drawer.close();
    this.#drawer.show();
    find("#diagnose-shut").focus();
    this.#look();
  }

  async #look() {
    if (this.#again.disabled) return;
    this.#again.disabled = true;
    this.#copy.disabled = true;
    write(find("#diagnose-summary"), "Trying each way to the server, beside the session…");
    find("#diagnose-checks").replaceChildren();
    const { checks, text } = await this.#run();
    this.#text = text;
    const tried = checks.filter(({ ok }) => ok !== null);
    const works = tried.filter(({ ok }) => ok).length;
    write(find("#diagnose-summary"), works === tried.length ? `All ${works} work.` : `${works} of ${tried.length} work.`);
    find("#diagnose-checks").replaceChildren(...checks.sort((a, b) => place(a) - place(b)).map(row));
    this.#again.disabled = false;
    this.#copy.disabled = false;
  }
}

function row({ name, ok, ms, detail, remediation }) {
  const [verdict, tone] = VERDICTS[ok];
  return el("li", { "data-tone": tone },
    el("b", {}, NAMES[name] ?? name), el("span", { class: "verdict" }, verdict), el("span", { class: "took" }, ok === null ? "" : span(ms)),
    el("p", {}, detail), remediation && !ok ? el("p", { class: "remedy" }, remediation) : null);
}
