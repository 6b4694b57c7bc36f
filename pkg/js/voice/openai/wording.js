import { toBase64 } from "../../base64.js";

/** Samples a second, both ways. */
const RATE = 24_000;

/** Streams of which it is known what they are. */
const KNOWN = 32;

/** The name of events that may come too late, which is no trouble. */
export const LATE = "throughline_late";

/** How OpenAI Realtime writes and reads sound: PCM in events over a WebSocket, where a peer connection carries it only when it begins and ends. */
export class OpenAiWording {
  rate = RATE;
  #dialect;
  #streams = 0;
  /** What streams are, by number: parts of items, or responses. @type {Map<number, { of: string, index: number }>} */
  #known = new Map();
  /** The stream that comes in. */
  #stream;
  /** @type {any} */
  #ear;

  /** @param {{ hears: boolean, yields: boolean, interrupts: boolean, responding: boolean, gate: ((open: boolean) => void) | undefined }} dialect what it knows of the session */
  constructor(dialect) {
    this.#dialect = dialect;
  }

  /** Whether the server says who speaks, so that the microphone's own guess does not count. */
  get hears() {
    return this.#dialect.hears;
  }

  /** Where the server says who speaks, it says as well whether that ends its answer. */
  get bargesIn() {
    return this.hears ? this.#dialect.yields : undefined;
  }

  /** @param {import("../../listeners.js").Listeners} listeners @param {import("../wording.js").Ear} ear */
  listen(listeners, ear) {
    this.#ear = ear;
    this.#dialect.gate = ear.gate;
    ear.gate(false);
    const on = (type, listener) => listeners.add(type, listener, false);
    on("response.output_audio.delta", ({ item_id, content_index, delta }) => this.#hear(item_id, content_index, delta));
    on("response.output_audio.done", ({ item_id }) => this.#finish(item_id));
    on("output_audio_buffer.started", ({ response_id }) => ear.begin({ stream: this.#begin(response_id), rate: RATE, rtp: true }));
    on("output_audio_buffer.stopped", ({ response_id }) => this.#finish(response_id));
    on("output_audio_buffer.cleared", ({ response_id }) => ear.flush(this.#end(response_id)));
    on("input_audio_buffer.speech_started", () => ear.speech(true));
    on("input_audio_buffer.speech_stopped", () => ear.speech(false));
  }

  /** The session is gone, and with it the rest of what it said. */
  lost() {
    const of = this.#known.get(this.#stream)?.of;
    if (of !== undefined) this.#finish(of);
    this.#ear?.speech(false);
  }

  opening() {
    return [];
  }

  chunk(pcm) {
    return ["input_audio_buffer.append", { audio: toBase64(pcm) }];
  }

  closing() {
    return [];
  }

  dropped() {
    return [];
  }

  interrupted({ stream, ms, rtp }) {
    const { interrupts, responding } = this.#dialect;
    const cancel = responding && !interrupts ? [["response.cancel", { event_id: LATE }]] : [];
    if (rtp) return interrupts ? [] : [...cancel, ["output_audio_buffer.clear", { event_id: LATE }]];
    const { of, index } = this.#known.get(stream) ?? {};
    return of === undefined ? cancel : [...cancel, ["conversation.item.truncate", { item_id: of, content_index: index, audio_end_ms: ms, event_id: LATE }]];
  }

  #hear(of, index = 0, delta) {
    if (typeof delta !== "string") return;
    if (this.#known.get(this.#stream)?.of !== of) this.#ear.begin({ stream: this.#begin(of, index), rate: RATE });
    this.#ear.hear(delta);
  }

  #begin(of, index = 0) {
    this.#stream = ++this.#streams;
    this.#known.set(this.#stream, { of, index });
    this.#known.delete(this.#stream - KNOWN);
    return this.#stream;
  }

  #finish(of) {
    const stream = this.#end(of);
    if (stream !== undefined) this.#ear.finish(stream);
  }

  /** The stream that comes in, if it is this one, which comes no more. */
  #end(of) {
    const stream = this.#stream;
    if (this.#known.get(stream)?.of !== of) return undefined;
    this.#stream = undefined;
    return stream;
  }
}
