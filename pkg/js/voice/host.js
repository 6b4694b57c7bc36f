import { Host } from "../host.js";
import { bounded } from "../listeners.js";
import { OpenAi } from "./openai/dialect.js";
import { openAiOf, plainOf } from "./openai/options.js";
import { PlainWording } from "./plain.js";
import { Wording } from "./wording.js";

/** Why a token is asked for, by its number: the last one was refused. */
const UNAUTHORIZED = 1;

/** Lets the audio of a session know what becomes of it. */
export class VoiceHost extends Host {
  /** Hooks of `SessionAudio`. @type {{ loaded(instance: any): void, carried(media: any): void, end(): void } | undefined} */
  audio;
  /** The attempt whose link the core took last. */
  carrier = 0;
  /** The dialect `openai`, where that is spoken. @type {OpenAi | undefined} */
  openAi;

  /** @param {any} options @param {any} kit */
  constructor(options, kit) {
    const dialect = openAiOf(options);
    super(dialect ? plainOf(options, dialect) : options, kit);
    if (dialect) this.json = this.openAi = new OpenAi(this, dialect);
  }

  /** How the session's dialect writes and reads sound; a dialect of its own may have its own way. @param {any} audio the options */
  wording(audio) {
    const own = /** @type {any} */ (this.json)?.wording?.(audio);
    return own ?? (audio.messages ? new PlainWording(audio) : new Wording(audio, !!this.json));
  }

  start(instance, keep) {
    super.start(instance, keep);
    this.audio?.loaded(instance);
  }

  /** Calls a function of the application's, within `timing.session` where that is sooner than what every one has. */
  call(run) {
    const { session: timeout } = this.options.timing ?? {};
    if (timeout === undefined) return super.call(run);
    return super.call((all) => {
      const signal = AbortSignal.any([all, AbortSignal.timeout(timeout)]);
      return bounded({ signal }, (resolve, reject) => {
        new Promise((done) => done(run(signal))).then(resolve, reject);
      });
    });
  }

  send(body, bytes, request, options = {}) {
    const send = (options) => super.send(body, bytes, request, options);
    return this.openAi ? this.openAi.inTurn(body, options, send) : send(options);
  }

  askToken(reason) {
    if (reason === UNAUTHORIZED) this.openAi?.spend();
    super.askToken(reason);
  }

  opened(attempt) {
    this.openAi?.opening(attempt);
    super.opened(attempt);
  }

  /** The peer connection of the link that owns the session, or none.
   * @param {{ sender: RTCRtpSender, remote: MediaStream | null, onremote: ((stream: MediaStream | null) => void) | null } | null} media */
  media(media) {
    this.audio?.carried(media);
  }

  end(to, error) {
    this.openAi?.end();
    this.audio?.end();
    super.end(to, error);
  }
}
