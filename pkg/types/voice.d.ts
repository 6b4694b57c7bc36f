import type {
  Endpoint,
  Endpoints as TextEndpoints,
  MessageMap,
  Options as TextOptions,
  Payload,
  Session as TextSession,
  SessionError,
} from "./index.js";

export * from "./index.js";

/** One address per purpose, where one for all does not do. What is left out falls back to `url`. */
export interface Endpoints extends TextEndpoints {
  /** Where offers are sent (dialects `whip`, `sdp`, `json`). */
  webrtc?: Endpoint;
}

/** What `connect()` takes. */
export interface Options extends Omit<TextOptions, "endpoints"> {
  /** An address per transport, where one for all does not do. */
  endpoints?: Endpoints;
  /** How peer connections are made. */
  webrtc?: WebRtcOptions;
}

type Listening<Events> = {
  <K extends keyof Events>(name: K, listener: (event: Events[K]) => void, options?: { signal?: AbortSignal }): () => void;
};

/** One conversation that outlives its transport, with voice. */
export interface Session<
  Events extends MessageMap = Record<string, Payload>,
  Commands extends MessageMap = Record<string, Payload>,
> extends TextSession<Events, Commands> {
  readonly on: Listening<VoiceEvents> & TextSession<Events, Commands>["on"];
  readonly once: Listening<VoiceEvents> & TextSession<Events, Commands>["once"];
  /** Figures of the peer connection that carries the session, since the last time they were asked for; `null` on another transport. */
  webrtcStats(): Promise<WebRtcStats | null>;
}

/** What a session with voice tells beside the events that every session has. */
export interface VoiceEvents {
  /** A step of getting under way began or ended. */
  progress: Progress;
}

/** Starts a session and returns it at once. On a server, where there is no browser, it is idle. */
export function connect<
  Events extends MessageMap = Record<string, Payload>,
  Commands extends MessageMap = Record<string, Payload>,
>(options?: Options): Session<Events, Commands>;

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
  name: "json" | "whip" | "sdp";
  /** Names of the members that hold the offer and the token; with `token: null` the token is in the header alone. @default { sdp: "sdp", token: "token" } */
  fields?: { sdp?: string; token?: string | null };
  /** Further members, such as a session's id and a model. */
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
  bitrateOut: number | null;
  /** What the path's ends are. */
  localCandidate: "host" | "srflx" | "prflx" | "relay" | null;
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
  step: "microphone" | "api" | "session" | "transport" | "audio";
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
  name: "options" | "microphone" | "token" | "sdp" | "udp" | "tcp" | "relay" | "websocket" | "sse" | "clock";
  /** `null` where it was not looked at, and `detail` says why. */
  ok: boolean | null;
  ms: number;
  detail: string;
  /** What to do about it first. */
  remediation?: string;
}

/** What works between this page and the server. */
export interface Diagnosis {
  checks: Check[];
  /** The whole as lines to send to whoever can help: no token, credential or whole address is in it. */
  text: string;
}

/** Looks at each thing that a session with voice needs, each by itself. Never rejects, and leaves nothing open. The microphone is not switched on. */
export function diagnose(options?: DiagnoseOptions): Promise<Diagnosis>;
