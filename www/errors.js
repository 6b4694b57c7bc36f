import { append, el, find, write } from "./dom.js";

/** What the voice bar tells by itself. */
const SOUND = /^(mic_|audio_|worklet_|insecure_context$)/;

/** Shows what the session says went wrong, by code and words, among what is talked about; once where it repeats. */
export class Errors {
  #log;
  #session;
  #last;
  #times = 0;

  /** @param {string} panel the panel whose log it is shown in */
  constructor(panel) {
    this.#log = find(`#${panel}-log`);
  }

  follow(session) {
    this.#session = session;
    this.#last = undefined;
    session.on("error", (error) => session === this.#session && !SOUND.test(error.code) && this.#tell(error));
  }

  #tell({ code, message, remediation, transport = "" }) {
    const text = remediation && code !== "server_error" ? `${message}: ${remediation}.` : `${message}.`;
    const key = code + transport + message;
    if (this.#last?.key === key && this.#last.line === this.#log.lastElementChild) {
      return write(this.#last.line.lastElementChild, ` ×${++this.#times}`);
    }
    const line = el("div", { class: "note bad error", "data-code": code, "data-transport": transport }, el("code", {}, code), ` ${text}`, el("span"));
    this.#last = { key, line };
    this.#times = 1;
    append(this.#log, line);
  }
}
