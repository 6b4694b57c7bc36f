// One peer connection: what happens to it, told to the core's negotiation one by one, and what that asks for.

import {
  ABORT, APPLIED, APPLY, CANDIDATE, CHANNEL_OPEN, DESCRIBE, DESCRIBED, END, EXCHANGED, FIND_SERVERS, GATHERED, GONE, MEND, REDESCRIBE, REJECTED,
  REPORT, ROLLBACK, SEND_CANDIDATES, SEND_OFFER, SEND_RESTART, SERVERS, START, TIMEOUT, UNAPPLIED, UNDESCRIBED,
} from "./numbers.js";
import { renewed } from "./sdp.js";

/** Milliseconds in which the channel empties and closes before the connection does. */
const LINGER = 500;

/** Milliseconds that a connection has to find back once it says that it is cut off. */
const DOUBT = 2_000;

/** What is known of the relays: nothing, one that was not reached, or no more to tell. */
const TOLD = "told";

export class Peer {
  #host;
  #on;
  #negotiation;
  #signaling;
  /** @type {any} */
  #ice;
  #address;
  /** Its end removes every listener. */
  #heard = new AbortController();
  #alarm;
  /** What the browser, and what the network is asked for: a later question takes the place of the earlier. */
  #browser = new AbortController();
  #network = new AbortController();
  #servers = [];
  /** Whether they are still being looked for. */
  #finding = false;
  /** @type {RTCPeerConnection | undefined} */
  #pc;
  /** @type {RTCDataChannel | undefined} */
  #channel;
  #candidates = [];
  /** The offer before the browser has set it. @type {string | undefined} */
  #offer;
  #answer = "";
  /** What the exchange that failed last said. */
  #told;
  /** @type {{ url: string, code: number } | typeof TOLD | undefined} */
  #relay;
  #doubt;
  #linger = LINGER;
  #wait;

  /**
   * Starts a connection. `on` hears of `made`, `track`, `report`, `ended` and `warn`.
   * @param {any} host @param {string} address where offers go @param {import("./signal.js").Signaling} signaling @param {boolean} wait whether the offer waits for candidates
   * @param {any} on
   */
  constructor(host, address, signaling, wait, on) {
    this.#host = host;
    this.#on = on;
    this.#address = address;
    this.#signaling = signaling;
    this.#wait = wait;
    this.#ice = host.ice;
    this.#negotiation = new host.instance.Negotiation(wait);
    this.#tell(START);
  }

  /** Asks for an ICE restart. */
  mend() {
    this.#tell(MEND);
  }

  /** Lets go of everything: what the channel still holds goes out first, then the connection closes, then the server hears of it. */
  close() {
    if (!this.#negotiation) return;
    const negotiation = this.#negotiation;
    this.#negotiation = undefined;
    clearTimeout(this.#alarm);
    clearTimeout(this.#doubt);
    for (const limit of [this.#browser, this.#network, this.#heard]) limit.abort();
    const last = new AbortController();
    const part = () => {
      clearTimeout(this.#alarm);
      last.abort();
      this.#pc?.close();
      this.#signaling.end();
    };
    if (this.#linger && this.#channel?.readyState === "open") {
      const { signal } = last;
      this.#channel.addEventListener("close", part, { signal });
      globalThis.addEventListener?.("pagehide", part, { signal });
      this.#alarm = setTimeout(part, LINGER);
      this.#channel.close();
    } else part();
    try {
      negotiation.free();
    } catch {
      // It is broken, and goes with its memory.
    }
  }

  #tell(...input) {
    const negotiation = this.#negotiation;
    if (!negotiation) return;
    let numbers;
    try {
      const count = negotiation.tell(this.#host.now(), ...input);
      numbers = Array.from({ length: count }, () => negotiation.take());
    } catch (error) {
      return this.#host.trap(error);
    }
    const [due, ...rest] = numbers;
    clearTimeout(this.#alarm);
    if (due >= 0) this.#alarm = setTimeout(() => this.#tell(TIMEOUT), due);
    this.#perform(rest.values());
  }

  /** Does what a turn's numbers say. Nothing of it tells the negotiation anything before it is all done. */
  #perform(numbers) {
    const next = () => numbers.next().value;
    for (let kind; this.#negotiation && (kind = next()) !== undefined; ) {
      switch (kind) {
        case FIND_SERVERS:
          this.#findServers();
          break;
        case DESCRIBE:
          if (this.#finding) this.#on.warn("ice_servers", "no answer in time");
          this.#finding = false;
          this.#network.abort();
          this.#describe(() => this.#make());
          break;
        case REDESCRIBE:
          this.#candidates = [];
          this.#describe((signal) => this.#renew(signal), { iceRestart: true });
          break;
        case SEND_OFFER:
          this.#exchange(next(), (signal) => this.#signaling.offer(this.#local, signal));
          break;
        case SEND_RESTART:
          this.#exchange(next(), (signal) => this.#signaling.restart(this.#local, signal));
          break;
        case SEND_CANDIDATES: {
          const exchange = next();
          const candidates = Array.from({ length: next() }, () => this.#candidates[next()]);
          this.#exchange(exchange, (signal) => this.#signaling.trickle(this.#local, candidates, signal));
          break;
        }
        case ABORT:
          this.#network.abort();
          break;
        case APPLY:
          this.#apply(next());
          break;
        case ROLLBACK:
          this.#browser.abort();
          // Where there is nothing to take back, that is well.
          this.#pc?.setLocalDescription({ type: "rollback" }).catch(() => {});
          break;
        case REPORT:
          this.#on.report(next(), this.#pc);
          break;
        case END:
          this.#on.ended(next(), next(), next(), next(), this.#told);
          this.close();
      }
    }
  }

  /** Begins what takes time; once that is aborted, nobody hears what it comes to. */
  #begin({ signal }, run, done, failed) {
    run(signal).then((found) => signal.aborted || done(found), (error) => signal.aborted || failed(error));
  }

  #ask(run, done, failed) {
    this.#browser.abort();
    this.#begin((this.#browser = new AbortController()), run, done, failed);
  }

  #fetch(run, done, failed) {
    this.#network.abort();
    this.#begin((this.#network = new AbortController()), run, done, failed);
  }

  get #local() {
    return this.#pc?.localDescription?.sdp ?? this.#offer ?? "";
  }

  async #find(signal) {
    return this.#ice.known() ?? this.#ice.find(signal, this.#address, this.#host.token);
  }

  #configuration(iceServers) {
    return { iceServers, iceTransportPolicy: this.#host.options.webrtc?.iceTransportPolicy };
  }

  #findServers() {
    this.#finding = true;
    const done = (servers = this.#servers) => {
      this.#finding = false;
      this.#servers = servers;
      this.#tell(SERVERS);
    };
    this.#fetch((signal) => this.#find(signal), done, (error) => {
      this.#on.warn("ice_servers", error);
      done();
    });
  }

  /** Makes an offer the local description. */
  #describe(prepare, options) {
    const run = async (signal) => {
      await prepare(signal);
      const offer = await this.#pc?.createOffer(options);
      if (signal.aborted) return;
      const set = this.#pc?.setLocalDescription(offer);
      if (this.#wait || options) return set;
      // An offer that waits for nothing is on its way while the browser sets it; should that fail, it takes no answer either.
      this.#offer = offer?.sdp;
      set?.catch(() => {});
    };
    this.#ask(run, () => this.#tell(DESCRIBED), (error) => {
      this.#told = error;
      this.#tell(UNDESCRIBED);
    });
  }

  #make() {
    let pc;
    try {
      pc = new RTCPeerConnection(this.#configuration(this.#servers));
    } catch (error) {
      // What an application or its provider names may be no server at all.
      this.#on.warn("ice_servers", error);
      pc = new RTCPeerConnection(this.#configuration([]));
    }
    this.#pc = pc;
    // Without a track: a microphone that comes later replaces nothing but that.
    const { sender } = pc.addTransceiver("audio");
    const { label = "throughline", ...options } = this.#host.options.webrtc?.channel ?? {};
    const channel = (this.#channel = pc.createDataChannel(label, options));
    const on = (target, name, listener) => target.addEventListener?.(name, listener, { signal: this.#heard.signal });
    on(pc, "icecandidate", ({ candidate }) => this.#gathered(candidate));
    on(pc, "icecandidateerror", ({ url, errorCode }) => this.#unreached(url ?? "", errorCode));
    on(pc, "connectionstatechange", () => this.#changed(pc.connectionState));
    on(pc, "track", (event) => this.#on.track(event));
    // A channel without an id is open by name alone (WebKit).
    on(channel, "open", () => this.#tell(channel.id === null ? GONE : CHANNEL_OPEN));
    on(channel, "close", () => this.#tell(GONE));
    // A page that goes, even for a while, takes its connections with it, and leaves no time for last words.
    on(globalThis, "pagehide", () => {
      this.#linger = 0;
      this.#tell(GONE);
    });
    this.#on.made(pc, channel, sender);
  }

  #changed(state) {
    clearTimeout(this.#doubt);
    if (state === "failed" || state === "closed") this.#tell(GONE);
    // Plain servers are asked for no sign of life: what the browser hears of the path is all there is.
    else if (state === "disconnected" && this.#host.json) this.#doubt = setTimeout(() => this.#tell(GONE), DOUBT);
  }

  /** Fresh servers, where the old ones expire. */
  async #renew(signal) {
    if (!this.#signaling.mends) throw new TypeError("no way to tell an ICE restart");
    if (this.#ice.known()) return;
    try {
      this.#pc?.setConfiguration(this.#configuration(await this.#find(signal)));
    } catch (error) {
      if (!signal.aborted) this.#on.warn("ice_servers", error);
    }
  }

  #exchange(exchange, run) {
    const done = ({ answer, servers, fragment }) => {
      // A fragment without credentials leaves an answer that the browser refuses.
      if (answer ?? fragment) this.#answer = answer ?? renewed(this.#answer, fragment) ?? "";
      if (servers?.length) this.#take(servers);
      this.#tell(EXCHANGED, exchange);
    };
    this.#fetch(run, done, ({ cause, told, status, wait }) => {
      this.#told = told;
      this.#tell(REJECTED, exchange, cause, status, wait);
    });
  }

  /** ICE servers that the exchange named. */
  #take(iceServers) {
    try {
      this.#pc?.setConfiguration({ ...this.#pc.getConfiguration(), iceServers });
    } catch (error) {
      this.#on.warn("ice_servers", error);
    }
  }

  #apply(exchange) {
    const run = async () => this.#pc?.setRemoteDescription({ type: "answer", sdp: this.#answer });
    this.#ask(run, () => this.#tell(APPLIED, exchange), () => this.#tell(UNAPPLIED, exchange));
  }

  #gathered(found) {
    if (!found) {
      if (this.#relay) this.#refused(this.#relay);
      return this.#tell(GATHERED);
    }
    const { candidate } = found;
    // The end of one generation: the end of all is told without a candidate.
    if (!candidate) return;
    if (candidate.includes(" typ relay")) this.#relay = TOLD;
    this.#tell(CANDIDATE, this.#candidates.push(candidate) - 1, +candidate.includes(" typ host"));
  }

  /** What a relay refuses is told once; that one is not reached, only if no other is. */
  #unreached(url, code) {
    if (!url.startsWith("turn")) return;
    if (code === 701) this.#relay ??= { url, code };
    else this.#refused({ url, code });
  }

  #refused(relay) {
    if (this.#relay === TOLD) return;
    this.#relay = TOLD;
    this.#on.warn("turn_rejected", relay);
  }
}
