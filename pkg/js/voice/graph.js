// The audio graph: microphone → capture worklet; playback worklet → `<audio>`. One context for both, made when first needed.

import { SessionError } from "../error.js";
// @ts-ignore generated
import worklet from "../../wasm/voice/worklet.js";
import { loopback } from "./loopback.js";
import { Speaker } from "./speaker.js";

export class Graph {
  #options;
  #on;
  /** @type {AudioContext | undefined} */
  #context;
  /** @type {Promise<void> | undefined} */
  #loading;
  #capture;
  #source;
  /** The stream whose sound comes in. */
  #stream;
  #wanted = false;
  #playback;
  /** @type {Promise<any> | undefined} */
  #preparing;
  #destination;
  #loop;
  #safe = false;
  #over = false;
  /** What plays the worklet's sound, and what plays the sound of a peer connection. */
  #speakers;

  /** @param {any} options @param {any} on hears of `frame`, `played` and `blocked` */
  constructor(options, on) {
    this.#options = options;
    this.#on = on;
    this.#speakers = [new Speaker(on.blocked), new Speaker(on.blocked)];
  }

  /** Makes the context, or wakes it: to be called where the user did something. */
  unlock() {
    const { AudioContext, AudioWorkletNode } = /** @type {any} */ (globalThis);
    if (!AudioContext || !AudioWorkletNode || globalThis.isSecureContext === false) throw new SessionError("audio_unsupported");
    this.#context ??= /** @type {AudioContext} */ (new AudioContext({ latencyHint: "interactive" }));
    if (this.#context.state !== "running") this.#context.resume().catch(() => {});
  }

  /** Whether there is a context that does not run. */
  get stopped() {
    return !!this.#context && this.#context.state !== "running";
  }

  /** Whether frames are to be expected. */
  get hears() {
    return !!this.#source && !this.stopped;
  }

  /** Milliseconds from the graph to the ear, as far as the browser can be asked. */
  get latency() {
    const context = this.#context;
    if (!context) return 0;
    // Firefox's page waits for its sound server there, which may be waiting for the page: once in a while, for ever.
    const output = /firefox/i.test(navigator.userAgent) ? 0 : context.outputLatency || 0;
    return Math.round(1000 * (context.baseLatency + output));
  }

  async #load() {
    this.unlock();
    const context = /** @type {AudioContext} */ (this.#context);
    this.#loading ??= (async () => {
      const own = this.#options.workletUrl;
      const address = own ?? URL.createObjectURL(new Blob([worklet], { type: "text/javascript" }));
      try {
        await context.audioWorklet.addModule(String(address));
      } catch (cause) {
        this.#loading = undefined;
        throw new SessionError("worklet_blocked", { cause });
      } finally {
        if (!own) URL.revokeObjectURL(address);
      }
    })();
    await this.#loading;
    if (this.#over) throw new SessionError("aborted");
    return context;
  }

  /** Lets sound come in from a stream. */
  async capture(stream) {
    this.#stream = stream;
    const context = await this.#load();
    if (this.#stream !== stream) return;
    if (!this.#capture) {
      const options = { numberOfOutputs: 0, channelCount: 1, processorOptions: { rate: this.#options.rate } };
      this.#capture = new AudioWorkletNode(context, "throughline-capture", { ...options, channelCountMode: "explicit" });
      this.#capture.port.onmessage = ({ data }) => this.#on.frame(data);
      this.want(this.#wanted);
    }
    const source = context.createMediaStreamSource(stream);
    this.#source?.disconnect();
    source.connect(this.#capture);
    this.#source = source;
  }

  /** Says whether the frames' samples are wanted, beside their levels. */
  want(wanted) {
    this.#wanted = wanted;
    this.#capture?.port.postMessage(wanted);
  }

  /** No sound comes in any more. */
  release() {
    this.#stream = undefined;
    this.#source?.disconnect();
    this.#source = undefined;
    if (this.#capture) {
      this.#capture.port.onmessage = null;
      this.#capture.port.postMessage("end");
      this.#capture.disconnect();
      this.#capture = undefined;
    }
    if (!this.#playback) this.#context?.suspend().catch(() => {});
  }

  /** Tells the playback worklet; `transfer` is what goes over to it. */
  async play(message, transfer = []) {
    this.#preparing ??= this.#prepare();
    const node = await this.#preparing;
    node.port.postMessage(message, transfer);
  }

  async #prepare() {
    try {
      const context = await this.#load();
      this.#playback = new AudioWorkletNode(context, "throughline-playback", { numberOfInputs: 0, outputChannelCount: [1] });
      this.#playback.port.onmessage = ({ data }) => this.#on.played(data);
      this.#destination = context.createMediaStreamDestination();
      this.#playback.connect(this.#destination);
      await this.#route();
      // It may only be starting.
      this.resume().then((played) => played || this.#on.blocked());
      return this.#playback;
    } catch (error) {
      this.#preparing = undefined;
      throw error;
    }
  }

  /** Says whether what is played could come back through the microphone. */
  async safe(safe) {
    this.#safe = safe && typeof RTCPeerConnection === "function" && this.#options.echoSafe === "loopback";
    if (this.#destination) await this.#route();
  }

  async #route() {
    const destination = this.#destination.stream;
    if (this.#safe && !this.#loop) {
      const loop = await loopback(destination).catch(() => undefined);
      // The microphone may have gone meanwhile.
      if (this.#over || !this.#safe || this.#loop) loop?.close();
      else this.#loop = loop;
    }
    if (this.#over) return;
    if (!this.#safe) {
      this.#loop?.close();
      this.#loop = undefined;
    }
    await this.#speakers[0].play(this.#loop?.stream ?? destination);
  }

  /** Plays what a peer connection brings, or nothing. */
  remote(stream) {
    return this.#speakers[1].play(stream);
  }

  /** Nothing of it is heard at once, or it is again. @param {0 | 1} which */
  mute(which, muted) {
    this.#speakers[which].muted = muted;
  }

  /** Tries again what the browser forbade; resolves with whether it lets it. */
  async resume() {
    const context = this.#context;
    // A context that may not run leaves its promise open.
    if (context && context.state !== "running") await Promise.race([context.resume().catch(() => {}), new Promise((resolve) => setTimeout(resolve, 200))]);
    const played = await Promise.all(this.#speakers.map((speaker) => speaker.resume()));
    return played.every(Boolean) && !((this.#playback || this.#source) && this.stopped);
  }

  async sink(id) {
    await Promise.all(this.#speakers.map((speaker) => speaker.sink(id)));
  }

  close() {
    this.#over = true;
    this.release();
    if (this.#playback) {
      this.#playback.port.onmessage = null;
      this.#playback.port.postMessage({ over: true });
      this.#playback.disconnect();
    }
    for (const speaker of this.#speakers) speaker.close();
    for (const track of this.#destination?.stream.getTracks() ?? []) track.stop();
    this.#loop?.close();
    this.#context?.close().catch(() => {});
    this.#context = this.#playback = this.#destination = this.#loop = undefined;
  }
}
