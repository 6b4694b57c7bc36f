import { Host } from "../host.js";
import { PlainWording } from "./plain.js";
import { Wording } from "./wording.js";

/** Lets the audio of a session know what becomes of it. */
export class VoiceHost extends Host {
  /** Hooks of `SessionAudio`. @type {{ loaded(instance: any): void, carried(media: any): void, end(): void } | undefined} */
  audio;

  /** How the session's dialect writes and reads sound; a dialect of its own may have its own way. @param {any} audio the options */
  wording(audio) {
    const own = /** @type {any} */ (this.json)?.wording?.(audio);
    return own ?? (audio.messages ? new PlainWording(audio) : new Wording(audio, !!this.json));
  }

  start(instance, keep) {
    super.start(instance, keep);
    this.audio?.loaded(instance);
  }

  /** The peer connection of the link that owns the session, or none.
   * @param {{ sender: RTCRtpSender, remote: MediaStream | null, onremote: ((stream: MediaStream | null) => void) | null } | null} media */
  media(media) {
    this.audio?.carried(media);
  }

  end(to, error) {
    this.audio?.end();
    super.end(to, error);
  }
}
