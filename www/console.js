import { append, el, find, write } from "./dom.js";
import { count, nameOf } from "./words.js";

const SHOW = "demo";
/** Milliseconds between two questions of who watches, where the server counts it. */
const COUNTED = 1_000;

/** The operator's console: the comments and spectators of a show, as they come. */
export class Console {
  #talk;
  #names;
  #place;
  #session;
  #log = find("#console-log");
  #wifi = find("#console-wifi");
  #emitted = find("#console-emitted");
  #audited = find("#console-audit");
  #turn = 0;
  #seen = new Set();
  #repeated = 0;
  #first = Infinity;
  #last = -Infinity;

  /**
   * @param {{ send(type: string, payload: object): Promise<string> }} talk
   * @param {{ subscribes?: string, hears: { comment: string, status?: string }, missed?: Function, clients?: (answer: object) => number }} names what the app's
   *   messages are called, how to ask for those that no link brought, and how to read the server's own count of who watches from `/api/clients`
   * @param {{ origin: string, direct: string }} place where the server is: behind its fault proxy, and itself
   */
  constructor(talk, names, place) {
    this.#talk = talk;
    this.#names = names;
    this.#place = place;
    if (names.clients) setInterval(() => this.#ask(), COUNTED);
    find("#console-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const input = find("#console-text");
      const text = input.value.trim();
      if (!text) return;
      input.value = "";
      this.#emit(text);
    });
  }

  follow(session) {
    this.#session = session;
    this.#recount();
    const on = (type, listener) => session.on(type, (payload) => session === this.#session && listener(payload ?? {}));
    const { comment, status = "STATUS" } = this.#names.hears;
    on(comment, (comment) => this.#comment(comment));
    on(status, ({ viewers }) => viewers !== undefined && write(find("#console-viewers"), count(viewers, "viewer")));
    on("gap", () => {
      this.#recount();
      this.#subscribe();
    });
    // Without a session on the wire, each link may be a stranger to the server.
    on("state", ({ from, to }) => from === "reconnecting" && to === "connected" && session.guarantee === "at-most-once" && this.#subscribe());
    on("transport", ({ to }) => to === "sse" && this.#catchUp());
    for (const event of ["state", "transport"]) on(event, () => this.#show());
    this.#subscribe();
    this.#show();
  }

  #subscribe() {
    if (this.#names.subscribes) this.#talk.send(this.#names.subscribes, { topic: `shows/${SHOW}` }).catch(() => {});
  }

  /** A stream begins where it is opened: what came before is asked for. */
  async #catchUp() {
    if (!this.#names.missed) return;
    try {
      for (const comment of await this.#names.missed(this.#place)) this.#comment(comment);
    } catch (error) {
      console.warn("what was missed could not be asked for", error);
    }
  }

  #comment({ id, author, text, timestamp }) {
    this.#audit(id);
    const at = new Date(timestamp ?? Date.now());
    const { transport } = this.#session;
    append(this.#log, el("div", {},
      el("time", { datetime: at.toISOString() }, at.toTimeString().slice(0, 8)),
      el("span", { class: "text" }, el("b", {}, author ?? "someone"), text ?? ""),
      el("span", { class: "via", "data-transport": transport ?? "" }, nameOf(transport)),
    ));
  }

  #recount() {
    this.#seen.clear();
    this.#repeated = 0;
    this.#first = Infinity;
    this.#last = -Infinity;
    write(this.#audited, "");
  }

  /** Holds what arrives against the server's own numbers, which leave none out: this is counted, not promised. */
  #audit(id) {
    if (id === undefined) return;
    if (this.#seen.has(id)) this.#repeated++;
    this.#seen.add(id);
    const numbered = Number.isInteger(id);
    if (numbered) {
      this.#first = Math.min(this.#first, id);
      this.#last = Math.max(this.#last, id);
    }
    const missing = numbered ? this.#last - this.#first + 1 - this.#seen.size : 0;
    write(this.#audited, `Counted: ${count(this.#seen.size, "comment")}, ${numbered ? `${missing} missing, ` : ""}${this.#repeated} twice`);
    this.#audited.dataset.tone = missing + this.#repeated ? "bad" : "";
  }

  async #emit(text) {
    const turn = ++this.#turn;
    const say = (words, tone = "") => {
      if (turn !== this.#turn) return;
      this.#emitted.dataset.tone = tone;
      write(this.#emitted, words);
    };
    try {
      const response = await fetch(`${this.#place.direct}/api/debug/emit-comment`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ showId: SHOW, author: "You", text }),
      });
      say(response.ok ? "The server published it." : `The server refused it: HTTP ${response.status}.`, response.ok ? "" : "bad");
    } catch {
      say("The server could not be reached.", "bad");
    }
    setTimeout(() => say(""), 4_000);
  }

  /** Asks the server itself how many watch: what it counts and what the sign says must agree. */
  async #ask() {
    try {
      const answer = await (await fetch(`${this.#place.direct}/api/clients`)).json();
      write(find("#console-viewers"), count(this.#names.clients(answer), "stream"));
    } catch {
      write(find("#console-viewers"), "");
    }
  }

  #show() {
    const { state, transport } = this.#session;
    const on = state === "connected" && transport !== null;
    this.#wifi.dataset.on = on;
    write(find("span", this.#wifi), on ? `over ${nameOf(transport)}` : state === "connected" ? "connecting" : state);
  }
}
