// What the bindings to frameworks share.

import type { ListenOptions, Named, Session as TextSession, SessionError, State, Transport } from "./index.js";
import type { AudioEvents, MicrophoneState, SessionAudio, Session as VoiceSession, VoiceEvents } from "./voice.js";

/** Any session, of either entry. */
export type AnySession = TextSession<any, any, any>;

/** What has a voice: a session of `throughline/voice`. */
export type Voiced = {
  /** Its voice. */
  readonly audio: SessionAudio;
};

/** What tells of events: a session, or its voice. */
export type Source = AnySession | SessionAudio;

/** Which session it is, among those that one function makes. Another key is another session. */
export type Key = string | number | bigint | boolean | null | undefined;

/** What a source tells of, by name. */
export type EventsOf<S extends Source> =
  S extends VoiceSession<infer Events, any, any> ? Named<Events> & VoiceEvents : S extends TextSession<infer Events, any, any> ? Named<Events> : S extends SessionAudio ? AudioEvents : never;

/** Hears events of a name; `id` names one of a topic. */
export type Handler<T> = (payload: T, about: { id?: string }) => void;

/** Options of listening: `kept` as for `session.on()`. */
export type EventOptions = Pick<ListenOptions, "kept">;

/** Where a session stands. */
export interface SessionStatus {
  /** `idle` where there is no session, as on a server. */
  readonly state: State;
  /** The transport that carries the session, `null` if none does. */
  readonly transport: Transport | null;
  /** What caused the last change of state, if something failed. */
  readonly error: SessionError | undefined;
}

/** Where a session's voice stands. The level is an event: it changes 50 times a second. */
export interface AudioStatus {
  /** `off` where there is no session, as on a server. */
  readonly state: MicrophoneState;
  /** Muted by `mute()`. */
  readonly userMuted: boolean;
  /** Muted by the system. */
  readonly systemMuted: boolean;
  /** Whether the user speaks. */
  readonly isUserSpeaking: boolean;
  /** Whether the server's voice is heard. */
  readonly isAgentSpeaking: boolean;
  /** Whether the browser lets nothing play until the user does something. */
  readonly playbackBlocked: boolean;
}
