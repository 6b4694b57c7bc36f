import { Session } from "../session.js";
import { watchCarrier } from "./carrier.js";
import { Progress } from "./progress.js";

/** A session that also carries voice. */
export class VoiceSession extends Session {
  /** The connection that carries the session's sound. */
  #carrier;

  /** @param {import("../host.js").Host} host */
  constructor(host) {
    super(host);
    this.#carrier = watchCarrier(host);
    new Progress(host);
  }

  async webrtcStats() {
    return (await this.#carrier()?.stats()) ?? null;
  }
}
