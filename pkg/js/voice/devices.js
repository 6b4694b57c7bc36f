// Microphones and loudspeakers of the browser, as `Microphone` asks for them.

import { SessionError } from "../error.js";
import { whyNoMicrophone } from "./errors.js";

/** What makes speech easy to understand. No rate: a browser that cannot would refuse. */
const CONSTRAINTS = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };

/** Milliseconds in which devices come and go as one: a headset is several. */
const DEBOUNCE = 500;

const media = () => /** @type {any} */ (globalThis.navigator)?.mediaDevices;

/** A stream from when it is asked for until it is released, whichever comes first. */
class Stream {
  #released = false;
  #stream;
  #heard = new AbortController();

  constructor(ask) {
    this.ready = ask.then((stream) => {
      this.#stream = stream;
      if (this.#released) stop(stream);
      return stream;
    });
    this.ready.catch(() => {});
  }

  get track() {
    return this.#stream.getAudioTracks()[0];
  }

  get stream() {
    return this.#stream;
  }

  /** Calls a listener for each of these events of the track, until the release. */
  on(names, listener) {
    for (const name of names) this.track.addEventListener(name, listener, { signal: this.#heard.signal });
  }

  release() {
    if (this.#released) return;
    this.#released = true;
    this.#heard.abort();
    if (this.#stream) stop(this.#stream);
  }
}

function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/** What the browser has. */
export class Devices {
  #constraints;
  #told;
  #streams = new Set();
  #over = new AbortController();
  #alarm;

  /** @param {any} constraints @param {() => void} changed hears that devices came or went */
  constructor(constraints, changed) {
    this.#constraints = constraints;
    this.#told = changed;
    media()?.addEventListener?.("devicechange", () => this.#changed(), { signal: this.#over.signal });
  }

  /** Whether a second stream ends the first. */
  get single() {
    return /^((?!chrom|android).)*safari/i.test(navigator.userAgent);
  }

  ask(device) {
    const stream = new Stream(this.#open(device));
    this.#streams.add(stream);
    stream.ready.catch(() => this.#streams.delete(stream));
    const { release } = stream;
    stream.release = () => {
      this.#streams.delete(stream);
      release.call(stream);
    };
    return stream;
  }

  async #open(device) {
    const audio = { ...CONSTRAINTS, ...this.#constraints };
    if (device) audio.deviceId = { exact: device };
    try {
      if (!media()?.getUserMedia) throw new TypeError("no mediaDevices");
      return await media().getUserMedia({ audio });
    } catch (cause) {
      const policy = /** @type {any} */ (document).permissionsPolicy ?? /** @type {any} */ (document).featurePolicy;
      const permission = await permissionOf("microphone");
      const about = { secure: globalThis.isSecureContext !== false, allowed: policy?.allowsFeature("microphone") ?? true, permission };
      const { code, more } = whyNoMicrophone(cause, about);
      throw new SessionError(code, more);
    }
  }

  /** Devices of a kind, `audioinput` or `audiooutput`. */
  async list(kind) {
    const all = (await media()?.enumerateDevices?.()) ?? [];
    return all.filter((device) => device.kind === kind).map(({ deviceId, label, groupId }) => ({ id: deviceId, label, group: groupId }));
  }

  #changed() {
    clearTimeout(this.#alarm);
    this.#alarm = setTimeout(() => this.#over.signal.aborted || this.#told(), DEBOUNCE);
  }

  /** Releases every stream there is or will be, whatever became of the flow. */
  end() {
    clearTimeout(this.#alarm);
    this.#over.abort();
    for (const stream of this.#streams) stream.release();
  }
}

/** `granted`, `denied`, `prompt`, or nothing where the browser does not tell. */
export async function permissionOf(name) {
  try {
    return (await navigator.permissions.query({ name })).state;
  } catch {
    return undefined;
  }
}
