// How a dialect writes sound and reads it. This is the one of the dialect `throughline`, whose shapes plain JSON may have as well (PROTOCOL.md D11 to D15).

import { toBase64 } from "../base64.js";

/** Types of the messages about sound; `audio.names` may give others. */
const NAMES = {
  audio: "audio", start: "audio:start", stop: "audio:stop", end: "audio:end", flush: "audio:flush", interrupt: "audio:interrupt", dropped: "audio:dropped",
  speech: "speech",
};

/**
 * What a wording is told of the server's sound. A stream is what belongs together: `rtp` says that it comes over a peer connection, `from` how many samples of it came
 * before. Bytes that belong to no stream begin one, which ends when nothing more comes. What is said without a stream is said of the one that plays.
 * @typedef {object} Ear
 * @property {(about: { stream?: number, rate?: number, rtp?: boolean, from?: number }) => void} begin
 * @property {(sound: Uint8Array | string, rate?: number) => void} hear PCM, or its base64
 * @property {(stream?: number) => void} finish
 * @property {(stream?: number) => void} flush what is not played of it is thrown away
 * @property {(speaking: boolean) => void} speech the server hears the user speak, or no more
 * @property {(open: boolean) => void} gate whether sound may go up: messages wait as without a link, and no track is sent. Open at first
 */

/** A message to send: its type and what it holds. @typedef {[type: string, payload?: unknown]} Message */

/** How the dialect's own messages are about sound. */
export class Wording {
  /** Samples a second of what goes up in messages. */
  rate;
  /** Whether the server's word about who speaks is the only one: the microphone's own guess does not count. */
  hears = false;
  /** Whether what the user says interrupts the server, where the dialect knows. @type {boolean | undefined} */
  bargesIn = undefined;
  #names;
  #json;

  /** @param {any} options those of `audio` @param {boolean} json whether messages are plain JSON, which holds no bytes */
  constructor({ names, rate = 16_000 }, json) {
    this.rate = rate;
    this.#names = { ...NAMES, ...names };
    this.#json = json;
  }

  /** Tells what comes of sound. @param {import("../listeners.js").Listeners} listeners @param {Ear} ear */
  listen(listeners, { begin, hear, finish, flush, speech }) {
    const { audio, ...names } = this.#names;
    const on = (type, listener) => listeners.add(type, listener, false);
    on(names.start, (payload) => begin(payload ?? {}));
    on(audio, (payload) => hear(payload instanceof Uint8Array ? payload : String(payload?.audio ?? "")));
    on(names.end, (payload) => finish(payload?.stream));
    on(names.flush, (payload) => flush(payload?.stream));
    on(names.speech, (payload) => speech(!!payload?.speaking));
  }

  /** Begins a stream of the user's; with `rtp` its sound goes over a peer connection. @returns {Message[]} */
  opening(stream, rtp) {
    const about = { stream, rate: this.rate };
    return [[this.#names.start, rtp ? { ...about, rtp } : about]];
  }

  /** Sound of the open stream: PCM, 16 bits, little-endian, mono. @param {Uint8Array} pcm @returns {Message} */
  chunk(pcm) {
    return [this.#names.audio, this.#json ? { audio: toBase64(pcm) } : pcm];
  }

  /** Ends a stream of the user's. @returns {Message[]} */
  closing(stream) {
    return [[this.#names.stop, { stream }]];
  }

  /** So many milliseconds of it were thrown away. @returns {Message[]} */
  dropped(stream, ms) {
    return [[this.#names.dropped, { stream, ms }]];
  }

  /** The user cut in on the server's stream after so many samples, or milliseconds, of it. @param {{ stream: number, played: number, ms: number, rtp: boolean }} about @returns {Message[]} */
  interrupted({ stream, played }) {
    return [[this.#names.interrupt, { stream, played }]];
  }
}
