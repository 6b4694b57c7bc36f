import { Session } from "../session.js";
import { SessionAudio } from "./audio.js";
import { watchCarrier } from "./carrier.js";
import { Progress } from "./progress.js";

/** A session that also carries voice. */
export class VoiceSession extends Session {
  audio;
  /** What was said, in the dialect `openai`. */
  conversation;
  #openAi;
  /** The connection that carries the session's sound. */
  #carrier;

  /** @param {import("./host.js").VoiceHost} host */
  constructor(host) {
    super(host);
    this.#carrier = watchCarrier(host);
    new Progress(host);
    this.audio = new SessionAudio(host, (type, payload) => this.send(type, payload));
    this.#openAi = host.openAi;
    this.conversation = host.openAi?.conversation;
    host.openAi?.listen(this.audio);
  }

  async request(type, payload, options) {
    return this.#openAi ? this.#openAi.request(type, payload, options) : super.request(type, payload, options);
  }

  async webrtcStats() {
    return (await this.#carrier()?.stats()) ?? null;
  }
}
