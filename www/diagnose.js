import { copy, el, find, isShortcut, write } from "./dom.js";
import { span } from "./words.js";

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
    const failed = checks.filter(({ ok }) => !ok).length;
    write(find("#diagnose-summary"), failed ? `${checks.length - failed} of ${checks.length} work.` : `All ${checks.length} work.`);
    find("#diagnose-checks").replaceChildren(...checks.map(row));
    this.#again.disabled = false;
    this.#copy.disabled = false;
  }
}

function row({ name, ok, ms, detail, remediation }) {
  return el("li", { "data-ok": String(ok) },
    el("b", {}, name), el("span", { class: "verdict" }, ok ? "works" : "does not"), el("span", { class: "took" }, ms == null ? "" : span(ms)),
    detail ? el("p", {}, detail) : null, remediation && !ok ? el("p", { class: "remedy" }, remediation) : null);
}
