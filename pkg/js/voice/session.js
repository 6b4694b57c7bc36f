import { Session } from "../session.js";

/** A session that also carries voice. */
export class VoiceSession extends Session {
  #host;

  /** @param {import("../host.js").Host} host */
  constructor(host) {
    super(host);
    this.#host = host;
  }
}
