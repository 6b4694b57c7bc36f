import { Emitter } from "../emitter.js";

/** What was said, and is being said: what an application sees of the transcript. */
export class Conversation {
  #transcript;
  #emitter = new Emitter();
  /** What is shown, until it changes: the same object as long as nothing does. */
  #shown;

  /** @param {import("./transcript.js").Transcript} transcript @param {(changed: () => void) => void} hear */
  constructor(transcript, hear) {
    this.#transcript = transcript;
    this.#shown = this.#look();
    hear(() => {
      this.#shown = this.#look();
      this.#emitter.emit("change", this.#shown);
    });
  }

  #look() {
    const { messages, calls, captions } = this.#transcript;
    return { messages, calls, captions };
  }

  get messages() {
    return this.#shown.messages;
  }

  get calls() {
    return this.#shown.calls;
  }

  get captions() {
    return this.#shown.captions;
  }

  on(name, listener, options) {
    return this.#emitter.on(name, listener, options?.signal);
  }

  off(name, listener) {
    this.#emitter.off(name, listener);
  }
}
