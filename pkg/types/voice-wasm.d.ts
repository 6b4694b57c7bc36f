import type {
  DiagnoseOptions as InlinedDiagnoseOptions,
  Diagnosis,
  MessageMap,
  OpenAiOptions as InlinedOpenAiOptions,
  OpenAiSession,
  Options as InlinedOptions,
  Payload,
  PayloadCheck,
  Session,
  Unopposed,
} from "./voice.js";
import type { WasmOptions } from "./wasm.js";

export * from "./voice.js";
export type { WasmOptions, WasmSource } from "./wasm.js";

/** What `connect()` takes. `wasm` is the file `throughline/voice.wasm`. */
export interface Options extends InlinedOptions, WasmOptions {}

/** What `connect()` takes in the dialect `openai`. `wasm` is the file `throughline/voice.wasm`. */
export interface OpenAiOptions extends InlinedOpenAiOptions, WasmOptions {}

/** What `diagnose()` takes: the same as `connect()`. `wasm` is not looked at. */
export interface DiagnoseOptions extends InlinedDiagnoseOptions, Partial<WasmOptions> {}

/** Starts a session with OpenAI Realtime: its events are typed. */
export function connect<Events extends MessageMap = {}, Commands extends MessageMap = {}>(options: OpenAiOptions): OpenAiSession<Events, Commands>;

/** Starts a session and returns it at once. The types of payloads are those of the schemas in `check`. */
export function connect<Events extends MessageMap, Commands extends MessageMap, Replies extends MessageMap>(
  options: Options & { check: PayloadCheck<Events, Commands, Replies> },
): Session<Events, Commands, Replies>;

/**
 * Starts a session and returns it at once. Where there is no `RTCPeerConnection`, the transports after `webrtc` carry it.
 *
 * @example
 * import wasm from "throughline/voice.wasm?url";
 *
 * const session = connect({ wasm, url: "/realtime" });
 */
export function connect<
  Events extends MessageMap = Record<string, Payload>,
  Commands extends MessageMap = Record<string, Payload>,
  Replies extends MessageMap = Record<string, Payload>,
>(options: Options & Unopposed<Events, Commands, Replies>): Session<Events, Commands, Replies>;

/** Looks at each thing that a session with voice needs, each by itself. Never rejects, and leaves nothing open. The microphone is not switched on. */
export function diagnose(options?: DiagnoseOptions): Promise<Diagnosis>;
