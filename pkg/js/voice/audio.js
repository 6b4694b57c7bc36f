import { fromBase64 } from "../base64.js";
import { SessionError } from "../error.js";
import { Devices } from "./devices.js";
import { Emitter } from "./emitter.js";
import { Graph } from "./graph.js";
import { Microphone } from "./microphone.js";
import { misfit } from "./plain.js";
import { Rung } from "./rung.js";
import { atGesture } from "./speaker.js";
import { Uplink } from "./uplink.js";

/** Milliseconds between looks at a microphone that may have fallen silent. */
const LOOK = 500;

/** Milliseconds of a frame, and how late one may come. */
const FRAME = 20;
const LATE = 200;

/** Milliseconds without sound after which what comes belongs to another stream, where nothing says so. */
const LULL = 400;

/** Milliseconds for which such a stream is not heard after an interruption, at the most. */
const DEAF = 2_000;

/** Rate of a server that does not say it. */
const RATE = 24_000;

/** Refuses what cannot be meant. @param {any} options */
export function checkAudio({ audio = {}, dialect }) {
  const fail = (message) => {
    throw new SessionError("bad_option", { message });
  };
  if (typeof audio !== "object" || audio === null) fail("audio must be an object");
  const { rate = 16_000, echoSafe = "element", names = {}, workletUrl = "", messages } = audio;
  if (rate !== 16_000 && rate !== 24_000) fail("audio.rate must be 16000 or 24000");
  if (echoSafe !== "loopback" && echoSafe !== "element") fail('audio.echoSafe must be "loopback" or "element"');
  if (typeof names !== "object" || !Object.values(names ?? 0).every((name) => typeof name === "string")) fail("audio.names must be types by name");
  if (messages !== undefined && (dialect?.name ?? dialect) !== "json") fail('audio.messages needs the dialect "json"');
  const odd = messages !== undefined && misfit(messages);
  if (odd) fail(`audio.${odd} cannot be that`);
  if (typeof workletUrl !== "string" && !(workletUrl instanceof URL)) fail("audio.workletUrl must be an address");
}

/** The voice of a session, both ways. */
export class SessionAudio {
  #host;
  #send;
  #options;
  /** How the dialect writes and reads sound. */
  #wording;
  /** Whether sound may go up. */
  #open = true;
  #events = new Emitter();
  #graph;
  #devices;
  #uplink;
  #rung;
  #instance;
  /** @type {any} */
  #loaded;
  #loading = new Promise((resolve, reject) => (this.#loaded = { resolve, reject }));
  /** @type {any} */
  #microphone;
  #activity;
  /** When the last frame was heard, in milliseconds. */
  #clock = 0;
  /** How often it was stopped: a start that began before is void. */
  #stops = 0;
  /** Lets go of the signals that stop it. */
  #signals = new AbortController();
  #state = "off";
  /** The stream that sound comes in from, and what it was called when it came. */
  #stream;
  #label;
  #look;
  #muted = { user: false, system: false };
  #speaking = { user: false, agent: false };
  #level = 0;
  /** The peer connection of the owning link. */
  #media;
  /** How the open stream's sound goes up. @type {"messages" | "rtp" | undefined} */
  #way;
  /** Whether what still comes of the server's stream is not to be heard. */
  #ignoring = false;
  #interrupting = false;
  /** The server's stream that comes over RTP. */
  #rtp;
  #blocked;
  #stats = { glitches: 0, droppedMs: 0 };
  #over = new AbortController();

  /** @param {import("./host.js").VoiceHost} host @param {(type: string, payload: unknown) => Promise<void>} send */
  constructor(host, send) {
    this.#host = host;
    this.#send = send;
    const { echoSafe = "element", ...options } = host.options.audio ?? {};
    this.#wording = host.wording(options);
    this.#options = { ...options, rate: this.#wording.rate, echoSafe };
    this.#rung = new Rung(host, () => this.#state !== "off" || this.#speaking.agent);
    this.#uplink = new Uplink(send, this.#wording, {
      dropped: ({ ms }) => {
        this.#stats.droppedMs += ms;
        this.#events.emit("dropped", { ms });
      },
      arrived: () => {
        this.#rung.flowed(true);
        this.#progress("audio", "done");
      },
      refused: (error) => {
        this.#progress("audio", "failed", error);
        host.trouble(error);
      },
    });
    this.#graph = this.#newGraph();
    host.audio = {
      loaded: (instance) => {
        this.#instance = instance;
        this.#loaded.resolve();
      },
      carried: (media) => this.#carried(media),
      end: () => this.#end(),
    };
    this.#loading.catch(() => {});
    this.#listen();
  }

  /** Hears what concerns sound. */
  #listen() {
    const { listeners } = this.#host;
    listeners.add("transport", ({ to }) => {
      this.#uplink.carriedBy(to);
      this.#rung.carriedBy(to, this.#way === "messages");
    });
    listeners.add("rtt", () => this.#rung.flowed(false));
    this.#wording.listen(listeners, {
      begin: (about) => this.#begin(about),
      hear: (sound, rate) => this.#hear(sound, rate),
      finish: (stream) => this.#finish(stream),
      flush: (stream) => this.#flush(stream),
      speech: (speaking) => this.#speaks("user", this.#activity && !this.#wording.hears ? this.#activity.server(speaking, this.#clock) : speaking),
      gate: (open) => this.#gate(open),
    });
    globalThis.addEventListener?.("pagehide", () => this.#release(), { signal: this.#over.signal });
  }

  #newGraph() {
    return new Graph(this.#options, {
      frame: (frame) => this.#frame(frame),
      played: (told) => this.#played(told),
      blocked: () => this.#isBlocked(),
    });
  }

  get state() {
    return this.#state;
  }

  get userMuted() {
    return this.#muted.user;
  }

  get systemMuted() {
    return this.#muted.system;
  }

  get isUserSpeaking() {
    return this.#speaking.user;
  }

  get isAgentSpeaking() {
    return this.#speaking.agent;
  }

  get level() {
    return this.#level;
  }

  get playbackBlocked() {
    return !!this.#blocked;
  }

  on(name, listener, options) {
    return this.#events.on(name, listener, options?.signal);
  }

  off(name, listener) {
    this.#events.off(name, listener);
  }

  /** @param {{ deviceId?: string, signal?: AbortSignal }} [options] */
  async start({ deviceId = "", signal } = {}) {
    if (typeof document === "undefined") throw new SessionError("mic_unsupported");
    const aborted = () => new SessionError("aborted", { cause: signal?.reason });
    if (signal?.aborted) throw aborted();
    if (this.#over.signal.aborted) throw new SessionError("closed");
    // While the user's gesture lasts; where there is no audio, the microphone's own failure says more.
    try {
      this.#graph.unlock();
    } catch {}
    const stops = this.#stops;
    const stop = () => this.stop();
    signal?.addEventListener("abort", stop, { once: true, signal: this.#signals.signal });
    try {
      await this.#loading;
      if (stops !== this.#stops) throw aborted();
      this.#microphone ??= this.#makeMicrophone();
      this.#progress("microphone", "active");
      await this.#microphone.start(deviceId);
      this.#progress("microphone", "done");
    } catch (error) {
      this.#progress("microphone", "failed", error);
      if (this.#state === "off") this.#forgetSignals();
      throw error;
    }
  }

  async stop() {
    this.#stops++;
    this.#microphone?.stop();
  }

  mute() {
    this.#mute({ user: true });
  }

  unmute() {
    this.#mute({ user: false });
  }

  async devices() {
    return { inputs: await this.#list("audioinput"), outputs: await this.#list("audiooutput") };
  }

  #list(kind) {
    return typeof document === "undefined" ? [] : (this.#devices ?? new Devices({}, () => {})).list(kind);
  }

  async setInput(deviceId) {
    await this.#microphone?.switch(deviceId);
  }

  async setOutput(deviceId) {
    if (!globalThis.HTMLMediaElement || !("setSinkId" in HTMLMediaElement.prototype)) throw new SessionError("unsupported", { message: "this browser chooses the loudspeaker itself" });
    try {
      await this.#graph.sink(deviceId);
    } catch (cause) {
      throw new SessionError("bad_option", { message: "there is no such loudspeaker", cause });
    }
  }

  async resume() {
    if (!(await this.#graph.resume())) return this.#isBlocked();
    if (!this.#blocked || this.#over.signal.aborted) return;
    this.#blocked();
    this.#blocked = undefined;
    this.#events.emit("playback", { blocked: false });
  }

  interrupt() {
    if (this.#rtp) {
      const { stream, rate, since, from } = this.#rtp;
      this.#rtp = undefined;
      this.#graph.mute(1, true);
      this.#interrupted(stream, from + Math.round(((performance.now() - since) * rate) / 1000), rate, true);
      this.#speaks("agent", false);
    } else if (this.#speaking.agent) {
      this.#ignoring = this.#interrupting = true;
      this.#started = false;
      this.#cut = performance.now();
      this.#play({ flush: null });
    }
  }

  async stats() {
    return { ...this.#stats, latencyMs: this.#graph.latency, ...(await this.#media?.stats?.()) };
  }

  #progress(step, status, error) {
    /** @type {any} */ (this.#host).progress?.(step, status, error);
  }

  // The microphone.

  #makeMicrophone() {
    this.#devices = new Devices(this.#options.constraints, () => this.#devicesChanged());
    const watch = () => new this.#instance.Watch(performance.now());
    return new Microphone(this.#devices, watch, {
      state: (state) => this.#stateIs(state),
      stream: (stream) => this.#take(stream),
      lost: (error) => {
        this.#progress("microphone", "failed", error);
        this.#host.trouble(error);
      },
    });
  }

  #stateIs(state) {
    if (this.#over.signal.aborted) return;
    const from = this.#state;
    if (state === from) return;
    this.#state = state;
    if (state === "off") this.#letGo();
    this.#events.emit("state", { from, to: state });
  }

  #take(stream) {
    if (this.#over.signal.aborted) return;
    this.#stream = stream;
    const { track } = stream;
    this.#label = track.label;
    stream.on(["ended"], () => this.#microphone?.ended());
    stream.on(["mute", "unmute"], () => this.#mute({ system: track.muted }));
    track.enabled = !this.#muted.user;
    this.#mute({ system: track.muted });
    this.#activity ??= new this.#instance.Activity();
    this.#look ??= setInterval(() => this.#looks(), LOOK);
    this.#carry();
    this.#graph.capture(stream.stream).catch((error) => error.code !== "aborted" && this.#host.trouble(error));
    this.#graph.safe(true);
  }

  /** The microphone is off. */
  #forgetSignals() {
    this.#signals.abort();
    this.#signals = new AbortController();
  }

  #letGo() {
    this.#stream = undefined;
    this.#forgetSignals();
    clearInterval(this.#look);
    this.#look = undefined;
    this.#carry();
    this.#graph.release();
    this.#graph.safe(false);
    this.#level = 0;
    this.#activity?.free();
    this.#activity = undefined;
    this.#speaks("user", false);
    this.#mute({ system: false });
  }

  /** Time passes though no frame may come. */
  #looks() {
    const muted = this.#muted.user || this.#muted.system;
    this.#microphone.heard(muted || !this.#graph.hears ? 1 : -1, performance.now());
    // A call may have stopped it, or the browser waits for the user.
    if (this.#graph.stopped) this.resume();
  }

  #frame({ rms, pcm }) {
    if (!this.#stream) return;
    const now = performance.now();
    const muted = this.#muted.user || this.#muted.system;
    this.#level = muted ? 0 : rms;
    this.#microphone.heard(muted ? 1 : rms, now);
    this.#events.emit("level", { level: this.#level });
    // Frames that a busy page gets all at once were one after another.
    this.#clock = Math.max(this.#clock + FRAME, now - LATE);
    const speaks = this.#activity.heard(this.#level, this.#clock);
    if (!this.#wording.hears) this.#speaks("user", speaks);
    if (pcm && !muted) this.#uplink.push(pcm);
    if (this.#way === "rtp") this.#rung.heardAt(this.#media.heardAt);
  }

  #mute(change) {
    const { user, system } = { ...this.#muted, ...change };
    if (this.#stream) this.#stream.track.enabled = !user;
    if (user === this.#muted.user && system === this.#muted.system) return;
    this.#muted = { user, system };
    this.#events.emit("muted", this.#muted);
  }

  async #devicesChanged() {
    const all = await this.devices();
    this.#events.emit("devices", all);
    const track = this.#stream?.track;
    if (!track) return;
    const { deviceId } = track.getSettings();
    const here = all.inputs.find(({ id }) => id === deviceId);
    if (!here && deviceId) this.#microphone.ended();
    // The default device keeps its id and changes its name.
    else if (here?.label && here.label !== this.#label) this.#microphone.switch("").catch(() => {});
  }

  // The way up.

  #carried(media) {
    if (this.#media && this.#media !== media) this.#media.onremote = null;
    this.#media = media ?? undefined;
    if (media) media.onremote = (stream) => this.#graph.remote(stream);
    this.#graph.remote(media?.remote ?? null);
    this.#carry();
  }

  /** Has the sound go the way that the link offers: over RTP, else as messages, which wait while there is no link. */
  #carry() {
    const track = this.#stream?.track ?? null;
    const way = track ? (this.#media ? "rtp" : "messages") : undefined;
    this.#media?.sender.replaceTrack(this.#open ? track : null).catch(() => {});
    this.#graph.want(way === "messages");
    if (way === "rtp" && this.#open) this.#progress("audio", "done");
    if (way === this.#way) return;
    this.#way = way;
    if (way) this.#uplink.begin(way === "rtp");
    else this.#uplink.end();
  }

  /** Whether sound may go up. */
  #gate(open) {
    this.#open = open;
    this.#uplink.gate(open);
    this.#carry();
  }

  #speaks(who, speaking) {
    if (this.#speaking[who] === speaking) return;
    this.#speaking[who] = speaking;
    this.#events.emit("speaking", { who, speaking });
    if (who === "user" && speaking && this.#speaking.agent && this.#bargesIn()) this.interrupt();
  }

  #bargesIn() {
    const { bargeIn } = this.#options;
    // Without echo cancellation the agent would interrupt itself.
    return bargeIn ?? this.#wording.bargesIn ?? this.#stream?.track.getSettings().echoCancellation !== false;
  }

  // The way down.

  #begin({ stream = 0, rate = RATE, rtp = false, from = 0, loose = false }) {
    this.#ignoring = false;
    this.#loose = loose;
    this.#current = stream;
    if (rtp) {
      // What came of it as messages plays to its end.
      if (this.#started) this.#play({ end: stream });
      this.#rtp = { stream, rate, since: performance.now(), from };
      this.#graph.mute(1, false);
      this.#speaks("agent", true);
      this.#progress("audio", "done");
    } else {
      this.#rtp = undefined;
      this.#play({ start: stream, rate, from, loose });
    }
    this.#started = !rtp;
  }

  /** Whether a stream plays as messages. */
  #started = false;
  /** The stream that began last, and whether nothing says where it begins and ends. */
  #current = 0;
  #loose = false;
  #unnamed = 0;
  /** When sound last came as messages, and when the user last cut in on it. */
  #came = 0;
  #cut = 0;

  /** @param {Uint8Array | string} sound PCM, or its base64 @param {number} [rate] */
  #hear(sound, rate) {
    this.#rung.flowed(false);
    const last = this.#came;
    this.#came = performance.now();
    if (this.#ignoring && !(this.#loose && (this.#came - last > LULL || this.#came - this.#cut > DEAF))) return;
    let bytes;
    try {
      bytes = typeof sound === "string" ? fromBase64(sound) : sound;
    } catch {
      return this.#host.badMessage(sound);
    }
    if (!this.#started) this.#begin({ stream: ++this.#unnamed, rate, loose: true });
    // Aligned, and the thread's own.
    const pcm = new Int16Array(bytes.slice(0, bytes.length & ~1).buffer);
    this.#play({ pcm }, [pcm.buffer]);
  }

  #finish(stream) {
    this.#ignoring = this.#started = false;
    if (this.#rtp && (stream === undefined || this.#rtp.stream === stream)) {
      this.#rtp = undefined;
      this.#speaks("agent", false);
    } else this.#play({ end: stream ?? this.#current });
  }

  #flush(stream) {
    this.#ignoring = this.#started = false;
    if (this.#rtp && (stream === undefined || this.#rtp.stream === stream)) {
      this.#rtp = undefined;
      this.#graph.mute(1, true);
      this.#speaks("agent", false);
    } else this.#play({ flush: stream ?? null });
  }

  #play(message, transfer) {
    if (this.#told.has("worklet_blocked")) return;
    this.#graph.play(message, transfer).catch((error) => {
      if (error.code !== "aborted" && !this.#over.signal.aborted) this.#once(error);
    });
  }

  /** Tells a failure that each chunk would repeat. */
  #once(error) {
    if (this.#told.has(error.code)) return;
    this.#told.add(error.code);
    this.#progress("audio", "failed", error);
    this.#host.trouble(error);
  }

  #told = new Set();

  #played({ playing, ended, dry, flushed }) {
    if (playing !== undefined) {
      this.#graph.mute(0, false);
      this.#speaks("agent", true);
      this.#progress("audio", "done");
    }
    if (ended !== undefined && !this.#rtp) this.#speaks("agent", false);
    if (ended === this.#current && this.#loose) this.#started = false;
    if (dry !== undefined) this.#stats.glitches++;
    if (!flushed) return;
    // Cuts off what is still between the worklet and the ear.
    this.#graph.mute(0, true);
    this.#speaks("agent", false);
    // A stream that came two ways is there twice: what plays is the first.
    const heard = new Map(flushed.map((stream) => [stream.stream, stream]).toReversed());
    if (this.#interrupting) for (const { stream, played, rate } of heard.values()) this.#interrupted(stream, played, rate, false);
    this.#interrupting = false;
  }

  #interrupted(stream, played, rate, rtp) {
    const ms = Math.round((played * 1000) / rate);
    for (const [type, payload] of this.#wording.interrupted({ stream, played, ms, rtp })) this.#send(type, payload).catch(() => {});
    this.#events.emit("interrupted", { stream, played, ms });
  }

  /** The browser lets nothing play until the user does something. */
  #isBlocked() {
    if (this.#over.signal.aborted) return;
    const first = !this.#blocked;
    this.#blocked?.();
    this.#blocked = atGesture(() => this.resume());
    if (first) this.#events.emit("playback", { blocked: true });
  }

  // The end.

  /** Lets go of the microphone and of what plays; a page that comes back begins anew. */
  #release() {
    this.#stops++;
    this.#devices?.end();
    const [microphone, activity] = [this.#microphone, this.#activity];
    this.#devices = this.#microphone = this.#activity = undefined;
    microphone?.stop();
    if (this.#blocked) {
      this.#blocked();
      this.#blocked = undefined;
      this.#events.emit("playback", { blocked: false });
    }
    this.#graph.close();
    this.#graph = this.#newGraph();
    this.#started = false;
    this.#speaks("agent", false);
    try {
      microphone?.free();
      activity?.free();
    } catch {
      // The core is broken, and with it what is freed.
    }
  }

  #end() {
    if (this.#over.signal.aborted) return;
    this.#release();
    this.#over.abort();
    this.#carried(null);
    this.#loaded.reject(new SessionError("closed"));
  }
}
