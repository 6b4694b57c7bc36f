import { Session } from "../session.js";
import { SessionAudio } from "./audio.js";
import { watchCarrier } from "./carrier.js";
import { Progress } from "./progress.js";

/** A session that also carries voice. */
export class VoiceSession extends Session {
  audio;
  /** The connection that carries the session's sound. */
  #carrier;

  /** @param {import("./host.js").VoiceHost} host */
  constructor(host) {
    super(host);
    this.#carrier = watchCarrier(host);
    new Progress(host);
    this.audio = new SessionAudio(host, (type, payload) => this.send(type, payload));
  }

  async webrtcStats() {
    return (await this.#carrier()?.stats()) ?? null;
  }
}
