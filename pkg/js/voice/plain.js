// How a plain server's messages are about sound, as the app says it: `audio.messages`.

/** What may be said of the user's stream, and of the server's. */
const SAID = ["chunk", "start", "stop", "dropped", "interrupt"];

/** Names what of the options cannot be meant, if something is. @param {any} messages */
export function misfit(messages) {
  if (typeof messages !== "object" || messages === null) return "messages";
  const { hear, rate, chunk, ...rest } = messages;
  if (!chunk || !["string", "function"].includes(typeof chunk)) return "messages.chunk";
  if (typeof (hear ?? {}) !== "object" || !Object.values(hear ?? {}).every((read) => ["string", "function"].includes(typeof read))) return "messages.hear";
  if (rate !== undefined && !(typeof rate === "number" && rate > 0)) return "messages.rate";
  const odd = Object.keys(rest).find((name) => !SAID.includes(name) || !["function", "undefined"].includes(typeof rest[name]));
  return odd && `messages.${odd}`;
}

/** Speaks of sound as the app's own server does. What it has no words for is not said. */
export class PlainWording {
  /** Samples a second of what goes up. */
  rate;
  #messages;

  /** @param {any} options those of `audio` */
  constructor({ messages, rate = 16_000 }) {
    this.rate = rate;
    this.#messages = messages;
  }

  /** @param {import("../listeners.js").Listeners} listeners @param {import("./wording.js").Ear} ear */
  listen(listeners, ear) {
    const { hear = {}, rate } = this.#messages;
    for (const [type, read] of Object.entries(hear)) {
      const take = typeof read === "string" ? (payload) => payload?.[read] : read;
      listeners.add(type, (payload) => this.#tell(ear, take(payload), rate), false);
    }
  }

  #tell(ear, found, usual) {
    const held = typeof found === "string" || found instanceof Uint8Array ? { audio: found } : (found ?? {});
    const { audio = [], rate = usual, start, flush, end, speaking } = held;
    if (flush) ear.flush();
    if (start) ear.finish();
    for (const sound of [audio].flat()) if (sound) ear.hear(sound, rate);
    if (end) ear.finish();
    if (speaking !== undefined) ear.speech(!!speaking);
  }

  #say(what, about) {
    const message = this.#messages[what]?.(about);
    return message ? [message] : [];
  }

  opening(stream) {
    return this.#say("start", { stream, rate: this.rate });
  }

  chunk(pcm) {
    const { chunk } = this.#messages;
    return typeof chunk === "string" ? [chunk, pcm] : chunk(pcm);
  }

  closing(stream) {
    return this.#say("stop", { stream });
  }

  dropped(stream, ms) {
    return this.#say("dropped", { stream, ms });
  }

  interrupted({ stream, played, ms }) {
    return this.#say("interrupt", { stream, played, ms });
  }
}
