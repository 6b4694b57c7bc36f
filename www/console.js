import { append, el, find, write } from "./dom.js";
import { count, nameOf } from "./words.js";

const SHOW = "demo";

/** The operator's console: the comments and spectators of a show, as they come. */
export class Console {
  #talk;
  #session;
  #log = find("#console-log");
  #wifi = find("#console-wifi");
  #emitted = find("#console-emitted");
  #turn = 0;

  /** @param {{ send(type: string, payload: object): Promise<string> }} talk */
  constructor(talk) {
    this.#talk = talk;
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
    const on = (type, listener) => session.on(type, (payload) => session === this.#session && listener(payload ?? {}));
    on("COMMENT", (comment) => this.#comment(comment));
    on("STATUS", ({ viewers }) => viewers !== undefined && write(find("#console-viewers"), count(viewers, "viewer")));
    on("gap", () => this.#subscribe());
    // Without a session on the wire, each link may be a stranger to the server.
    on("state", ({ from, to }) => from === "reconnecting" && to === "connected" && session.guarantee === "at-most-once" && this.#subscribe());
    for (const event of ["state", "transport"]) on(event, () => this.#show());
    this.#subscribe();
    this.#show();
  }

  #subscribe() {
    this.#talk.send("SUBSCRIBE", { topic: `shows/${SHOW}` }).catch(() => {});
  }

  #comment({ author, text, timestamp }) {
    const at = new Date(timestamp ?? Date.now());
    const { transport } = this.#session;
    append(this.#log, el("div", {},
      el("time", { datetime: at.toISOString() }, at.toTimeString().slice(0, 8)),
      el("span", { class: "text" }, el("b", {}, author ?? "someone"), text ?? ""),
      el("span", { class: "via", "data-transport": transport ?? "" }, nameOf(transport)),
    ));
  }

  async #emit(text) {
    const turn = ++this.#turn;
    const say = (words, tone = "") => {
      if (turn !== this.#turn) return;
      this.#emitted.dataset.tone = tone;
      write(this.#emitted, words);
    };
    try {
      const response = await fetch("/api/debug/emit-comment", {
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

  #show() {
    const { state, transport } = this.#session;
    const on = state === "connected" && transport !== null;
    this.#wifi.dataset.on = on;
    write(find("span", this.#wifi), on ? `over ${nameOf(transport)}` : state === "connected" ? "connecting" : state);
  }
}
