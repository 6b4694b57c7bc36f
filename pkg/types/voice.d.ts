/**
 * The same session with WebRTC as its first transport, and a voice: `session.audio`.
 *
 * @module throughline/voice
 */

import type {
  Endpoint,
  Endpoints as TextEndpoints,
  LifecycleEvent,
  MessageMap,
  Options as TextOptions,
  Payload,
  PayloadCheck,
  Session as TextSession,
  SessionError,
  Timing as TextTiming,
  Told,
  Transport,
  Unopposed,
} from "./index.js";
import type { OpenAiOptions, OpenAiSession } from "./openai.js";

export * from "./index.js";
export * from "./openai.js";

/** One address per purpose, where one for all does not do. What is left out falls back to `url`. */
export interface Endpoints extends TextEndpoints {
  /** Where offers are sent (dialects `whip`, `sdp`, `json`). @default `url` */
  webrtc?: Endpoint;
}

/** Deadlines and spans in milliseconds. */
export interface Timing extends TextTiming {
  /** For each of the application's own functions that are asked before a connect (`token`, endpoints, `start`, `session`). @default 12000, and no more */
  session?: number;
  /** For the answer to an offer. @default 20000, and no more */
  exchange?: number;
}

/** What `connect()` takes. */
export interface Options extends Omit<TextOptions, "endpoints" | "timing"> {
  /** Deadlines and spans. From the answer to an offer a path has 15 s, 5 s in dialects that try another transport after it. @default each member's own */
  timing?: Timing;
  /** An address per transport, where one for all does not do. @default `url` for each */
  endpoints?: Endpoints;
  /** How peer connections are made. @default each member's own */
  webrtc?: WebRtcOptions;
  /** How sound is heard and played. @default each member's own */
  audio?: AudioOptions;
}

type Listening<Events> = {
  <K extends keyof Events>(name: K, listener: (event: Events[K]) => void, options?: { signal?: AbortSignal }): () => void;
};

/** One conversation that outlives its transport, with voice. */
export interface Session<
  Events extends MessageMap = Record<string, Payload>,
  Commands extends MessageMap = Record<string, Payload>,
  Replies extends MessageMap = Record<string, Payload>,
> extends TextSession<Events, Commands, Replies> {
  /** As in every session; hears the events of `VoiceEvents`, too. */
  readonly on: Listening<VoiceEvents & { lifecycle: VoiceLifecycleEvent }> & TextSession<Events, Commands>["on"];
  /** Like `on`, for the next one only. */
  readonly once: Listening<VoiceEvents & { lifecycle: VoiceLifecycleEvent }> & TextSession<Events, Commands>["once"];
  /** The microphone, and what the server says. */
  readonly audio: SessionAudio;
  /** Figures of the peer connection that carries the session, since the last time they were asked for; `null` on another transport. */
  webrtcStats(): Promise<WebRtcStats | null>;
}

/** What a session with voice tells beside the events that every session has. */
export interface VoiceEvents {
  /** A step of getting under way began or ended. */
  progress: Progress;
  /**
   * Another transport carries the conversation. `gapMs`: how long no sound flowed, from the last sign of it on the old one to the first on the new one; what was said
   * meanwhile is kept for two seconds and follows. Captions and messages go on in their order.
   */
  rung: { from: Transport; to: Transport; gapMs: number };
}

/** Any of what befalls a session with voice, for one listener. */
export type VoiceLifecycleEvent = LifecycleEvent | Told<VoiceEvents>;

/**
 * Starts a session with OpenAI Realtime: its events are typed.
 *
 * @example
 * const session = connect({ dialect: { name: "openai", session: { instructions: "Be brief." } }, token: async () => (await fetch("/api/key")).json() });
 * session.conversation.on("change", ({ messages, captions }) => render(messages, captions));
 * button.onclick = () => session.audio.start();
 */
export function connect<Events extends MessageMap = {}, Commands extends MessageMap = {}>(options: OpenAiOptions): OpenAiSession<Events, Commands>;

/** Starts a session and returns it at once. The types of payloads are those of the schemas in `check`. */
export function connect<Events extends MessageMap, Commands extends MessageMap, Replies extends MessageMap>(
  options: Options & { check: PayloadCheck<Events, Commands, Replies> },
): Session<Events, Commands, Replies>;

/** Starts a session and returns it at once. Where there is no `RTCPeerConnection`, the transports after `webrtc` carry it. */
export function connect<
  Events extends MessageMap = Record<string, Payload>,
  Commands extends MessageMap = Record<string, Payload>,
  Replies extends MessageMap = Record<string, Payload>,
>(options?: Options & Unopposed<Events, Commands, Replies>): Session<Events, Commands, Replies>;

// ---- WebRTC ----------------------------------------------------------------------------------------------------------------------------------------

/** How peer connections are made. */
export interface WebRtcOptions {
  /**
   * How an offer becomes an answer:
   *
   * - `"whip"`: RFC 9725: POST `application/sdp`, trickled candidates and ICE restarts by PATCH, DELETE at the end. The reference server speaks it.
   * - `"sdp"`: one POST of `application/sdp`.
   * - `"json"`: one POST of JSON.
   * - a function: the application's own exchange, bounded to 20 s.
   *
   * The token goes along as `Authorization: Bearer`. Answers are understood whatever their content type: SDP, or JSON with `sdp`, `answer.sdp` or `transport.sdp`.
   * @default "whip"
   */
  signaling?: "whip" | "sdp" | "json" | JsonSignaling | Exchange;
  /**
   * STUN and TURN servers: a list, the address of one, or a function. Every common shape is understood (`[…]`, `{ iceServers }`, `{ ice_servers }`,
   * `{ v: { iceServers } }`), with `ttl`, `expires_at` or `lifetimeDuration`; what expires is asked for anew before it does. An address of the host that answers
   * offers is asked with the token. Where they cannot be had within 3 s, `error` tells it with code `ice_servers` and the call goes on without.
   * @default none: the browser's own addresses do where the server has a public one
   */
  iceServers?: string | URL | IceServers | ((context: { signal: AbortSignal }) => IceServers | Promise<IceServers>);
  /** `"relay"` lets nothing but TURN servers carry the call. @default "all" */
  iceTransportPolicy?: "all" | "relay";
  /**
   * Whether the offer waits for candidates: `"wait"` until the first from beyond this host, or all, 1 s at most; `"none"` not at all.
   * @default "auto": `"none"` with `whip`, where candidates follow the offer; else `"wait"`
   */
  gathering?: "auto" | "wait" | "none";
  /** The data channel: its label and what `createDataChannel()` takes. The dialect `throughline` needs it ordered and reliable. @default { label: "throughline" } */
  channel?: RTCDataChannelInit & { label?: string };
}

/** The dialect `json`: `{ token, sdp, ...body }`. */
export interface JsonSignaling {
  /** How the offer travels: in JSON, or as `"whip"` and `"sdp"` have it. */
  name: "json" | "whip" | "sdp";
  /** Names of the members that hold the offer and the token; with `token: null` the token is in the header alone. @default { sdp: "sdp", token: "token" } */
  fields?: { sdp?: string; token?: string | null };
  /** Further members, such as a session's id and a model. @default none */
  body?: Record<string, unknown>;
}

/** Exchanges an offer for an answer. `reason` is `restart` where a living connection looks for a new path. */
export type Exchange = (
  offer: string,
  context: { signal: AbortSignal; attempt: number; reason: "offer" | "restart"; url: string },
) => string | { sdp: string } | Promise<string | { sdp: string }>;

/** ICE servers as providers answer with them. */
export type IceServers = RTCIceServer | RTCIceServer[] | { iceServers: unknown; ttl?: number } | { ice_servers: unknown } | { v: { iceServers: unknown } };

/** Figures of a peer connection. Browsers leave some out: those are `null`. */
export interface WebRtcStats {
  /** The last round trip, in milliseconds. */
  rttMs: number | null;
  /** Of incoming sound, in milliseconds. */
  jitterMs: number | null;
  /** Share of incoming sound's packets that never came, 0 to 1. */
  loss: number | null;
  /** Bits a second, since the last time. */
  bitrateIn: number | null;
  /** Bits a second that went out, since the last time. */
  bitrateOut: number | null;
  /** What the path's ends are. */
  localCandidate: "host" | "srflx" | "prflx" | "relay" | null;
  /** What the path's other end is. */
  remoteCandidate: "host" | "srflx" | "prflx" | "relay" | null;
  /** What the path uses. */
  protocol: "udp" | "tcp" | null;
  /** What this end speaks with its TURN server. */
  relayProtocol: "udp" | "tcp" | "tls" | null;
}

/**
 * A step of getting under way. `api`: token and address are there; `session`: the server is ready; `transport`: a link carries the session; `microphone`: it is on;
 * `audio`: sound has a path.
 */
export interface Progress {
  /** Which step it is. */
  step: "microphone" | "api" | "session" | "transport" | "audio";
  /** Where the step stands. */
  status: "active" | "done" | "failed" | "skipped";
  /** Milliseconds since `connect()`. */
  at: number;
  /** Milliseconds since the step became active. */
  ms: number;
  /** What it failed with. */
  error?: SessionError;
}

/** What `diagnose()` takes: the same as `connect()`. */
export interface DiagnoseOptions extends Options {
  /** Milliseconds for the whole. @default 15000 */
  timeout?: number;
}

/** One thing that was looked at. */
export interface Check {
  /** What was looked at. */
  name: "options" | "microphone" | "token" | "sdp" | "udp" | "tcp" | "relay" | "websocket" | "sse" | "clock";
  /** `null` where it was not looked at, and `detail` says why. */
  ok: boolean | null;
  /** Milliseconds it took. */
  ms: number;
  /** What was found, or why it was not looked at. */
  detail: string;
  /** What to do about it first. */
  remediation?: string;
}

/** What works between this page and the server. */
export interface Diagnosis {
  /** What was looked at, one by one. */
  checks: Check[];
  /** The whole as lines to send to whoever can help: no token, credential or whole address is in it. */
  text: string;
}

/** Looks at each thing that a session with voice needs, each by itself. Never rejects, and leaves nothing open. The microphone is not switched on. */
export function diagnose(options?: DiagnoseOptions): Promise<Diagnosis>;

// ---- Audio -----------------------------------------------------------------------------------------------------------------------------------------

/** How sound is heard and played. */
export interface AudioOptions {
  /** Samples a second of what goes up in messages; over WebRTC the codec decides. @default 16000 */
  rate?: 16000 | 24000;
  /** What the microphone is asked for beside `{ echoCancellation, noiseSuppression, autoGainControl }`, which are on, and one channel. @default nothing more */
  constraints?: MediaTrackConstraints;
  /**
   * The address of the package's file `throughline/audio-worklet.js`, for a content security policy whose `script-src` forbids `blob:`.
   * @default none: the same code, from a blob
   */
  workletUrl?: string | URL;
  /**
   * How sound that came in messages is played while the microphone is on. `"element"`: by an `<audio>`, which recent browsers' echo cancellers hear. `"loopback"`: the same
   * through two peer connections of the page's own, for browsers whose canceller hears nothing else; that is some 60 to 150 ms later.
   * @default "element"
   */
  echoSafe?: "element" | "loopback";
  /**
   * Whether the user's voice interrupts the server's.
   * @default true, unless the microphone has no echo cancellation
   */
  bargeIn?: boolean;
  /** How a plain server's messages hold sound (dialect `json`). @default as PROTOCOL.md D11 to D13 has them, with sound as base64: `{ type: "audio", audio }` */
  messages?: SoundMessages;
  /** Other types for the messages about sound. @default those of PROTOCOL.md */
  names?: Partial<Record<"audio" | "start" | "stop" | "end" | "flush" | "interrupt" | "dropped" | "speech", string>>;
}

/** What is sent: its type, and what it holds. Bytes within an object become base64. */
export type SoundMessage = readonly [type: string, payload?: unknown];

/** Sound that a message holds, as PCM (16 bits, little-endian, mono) or its base64, in one piece or several; or that and what befalls the server's stream. */
export type HeardSound =
  | Uint8Array
  | string
  | {
      audio?: Uint8Array | string | (Uint8Array | string)[];
      /** Samples a second of it, where that is not `messages.rate`. */
      rate?: number;
      /** Another stream begins with this message. */
      start?: boolean;
      /** The stream ends with it. */
      end?: boolean;
      /** What is not played yet is not to be heard: the server was interrupted. */
      flush?: boolean;
      /** The server hears the user speak, or no more. */
      speaking?: boolean;
    };

/**
 * How a plain server's messages hold sound. A stream of the server's that nothing ends has ended when 400 ms after its last sound nothing more has come; after
 * `session.audio.interrupt()`, what comes without such a pause is not heard, for two seconds at most.
 *
 * @example
 * // Up: bytes on a WebSocket, and in a POST as `dialect.post.sound` shapes them. Down: { audio: base64 }, on a WebSocket bytes.
 * audio: { rate: 24_000, messages: { chunk: "sound", hear: { audio: "audio", binary: (pcm) => pcm } } }
 */
export interface SoundMessages {
  /** What sends a chunk of the user's voice, of 20 to 500 ms: a type, whose payload the bytes are, or a function that makes the message. */
  chunk: string | ((pcm: Uint8Array) => SoundMessage);
  /** Says that the user's microphone is on. What returns nothing is not said. @default none: not said */
  start?: (about: { stream: number; rate: number }) => SoundMessage | undefined;
  /** Says that it is off. @default none: not said */
  stop?: (about: { stream: number }) => SoundMessage | undefined;
  /** Says that so much of what was said is lost. @default none: not said */
  dropped?: (about: { stream: number; ms: number }) => SoundMessage | undefined;
  /** Says that the user cut in on the server's stream after so many samples, or milliseconds, of it. @default none: not said */
  interrupt?: (about: { stream: number; played: number; ms: number }) => SoundMessage | undefined;
  /** Which messages hold sound, by their types: the name of the member it is in, or a function that finds it. @default none */
  hear?: Record<string, string | ((message: any) => HeardSound | undefined)>;
  /** Samples a second of what is heard. @default 24000 */
  rate?: number;
}

/** A microphone or a loudspeaker. `label` is empty until the user has allowed the microphone once. */
export interface AudioDevice {
  /** Names the device in `start()`, `setInput()` and `setOutput()`. */
  id: string;
  /** What the system calls it. */
  label: string;
  /** Devices of one piece of hardware have the same. */
  group: string;
}

/**
 * Where the microphone stands. `asking`: the browser was asked, or is asked anew for one that was lost. `silent`: it is on and gives nothing but zeros for 2 s;
 * it was asked for anew once.
 */
export type MicrophoneState = "off" | "asking" | "on" | "silent";

/** What `session.audio` tells. Failures come as the session's `error`. */
export interface AudioEvents {
  /** The microphone's state changed. */
  state: { from: MicrophoneState; to: MicrophoneState };
  /** The microphone's level, 50 times a second: root mean square, 1 is full scale. */
  level: { level: number };
  /** Somebody begins or ceases to speak. The server's word about the user goes before the microphone's. */
  speaking: { who: "user" | "agent"; speaking: boolean };
  /** A device came or went. */
  devices: { inputs: AudioDevice[]; outputs: AudioDevice[] };
  /** `user`: by `mute()`. `system`: by the system, as in a phone call. */
  muted: { user: boolean; system: boolean };
  /** The browser lets nothing play until the user does something, or it does again. */
  playback: { blocked: boolean };
  /** So much of what was said is lost: more than two seconds waited for the network. */
  dropped: { ms: number };
  /** The server's stream was interrupted after so many samples, or milliseconds, of it were played. */
  interrupted: { stream: number; played: number; ms: number };
}

/** Figures of sound. On the transport `webrtc`, those of `WebRtcStats` are beside them. */
export interface AudioStats extends Partial<WebRtcStats> {
  /** How often what was played ran low. */
  glitches: number;
  /** Milliseconds of what was said that were lost on the way to the network. */
  droppedMs: number;
  /** Milliseconds from the audio graph to the ear, as far as the browser can be asked: Firefox without the system's share. */
  latencyMs: number;
}

/** The voice of a session. It works the same on every transport: over WebRTC where that is, else as messages. */
export interface SessionAudio {
  /** Where the microphone stands. */
  readonly state: MicrophoneState;
  /** Muted by `mute()`. */
  readonly userMuted: boolean;
  /** Muted by the system. */
  readonly systemMuted: boolean;
  /** Whether the user speaks: by the server's word, else by the microphone's. */
  readonly isUserSpeaking: boolean;
  /** Whether the server's voice is heard. */
  readonly isAgentSpeaking: boolean;
  /** The microphone's level: root mean square, 1 is full scale. */
  readonly level: number;
  /** Whether the browser lets nothing play until the user does something. */
  readonly playbackBlocked: boolean;

  /** Calls `listener` for each event of a name, until what it returns is called. */
  on<K extends keyof AudioEvents>(name: K, listener: (event: AudioEvents[K]) => void, options?: { signal?: AbortSignal }): () => void;
  /** Stops a listener, or all of a name. */
  off<K extends keyof AudioEvents>(name: K, listener?: (event: AudioEvents[K]) => void): void;

  /**
   * Turns the microphone on. Call it where the user did something, so that sound may play as well. It does not wait for a link: what is said before there is one follows,
   * two seconds of it at most. A `deviceId` that is no more falls back to the default one.
   * Rejects with `mic_denied` (`details.sub`: `denied`, `dismissed`, `policy`, `insecure_context`), `mic_not_found`, `mic_in_use`, `mic_constraint`, `mic_unsupported`,
   * `insecure_context`, `closed` after the session, or `aborted` once `stop()` or `signal` undid it. Several calls share one question to the user.
   *
   * @example
   * button.onclick = () => session.audio.start().catch((error) => show(error.remediation ?? error.message));
   */
  start(options?: { deviceId?: string; signal?: AbortSignal }): Promise<void>;
  /** Turns the microphone off and lets go of the device. */
  stop(): Promise<void>;
  /** Sends silence, or nothing. The device stays open, and so does the browser's sign that it is. */
  mute(): void;
  /** Sends what the microphone hears again. */
  unmute(): void;
  /** Microphones and loudspeakers. */
  devices(): Promise<{ inputs: AudioDevice[]; outputs: AudioDevice[] }>;
  /** Goes over to another microphone without a gap; the one before stays if that one cannot be had. Nothing where it is off: `start()` takes a device. */
  setInput(deviceId: string): Promise<void>;
  /** Chooses the loudspeaker. Rejects with `unsupported` where the browser cannot, `bad_option` where there is no such one; before anything has played, that shows only then. */
  setOutput(deviceId: string): Promise<void>;
  /** Lets sound play that the browser held back: to be called where the user did something. The next click, key or touch does the same. */
  resume(): Promise<void>;
  /** Stops what the server says, at once, and tells it how much was heard. */
  interrupt(): void;
  /** Figures of the sound as they stand. */
  stats(): Promise<AudioStats>;
}
