import type { MessageMap, Options as InlinedOptions, Payload, PayloadCheck, Session, Unopposed } from "./index.js";

export * from "./index.js";

/**
 * The package's WebAssembly, in whatever form there is: the address of the file (a string is relative to the document), what `fetch()` takes or answers, a compiled
 * module, or bytes.
 */
export type WasmSource = string | URL | Request | Response | (WebAssembly.Module & object) | BufferSource;

/** What says where the WebAssembly is. */
export interface WasmOptions {
  /**
   * The file `throughline/throughline.wasm` of the same version of the package (`throughline/voice.wasm` for `throughline/voice/wasm`): itself, a promise of it, or a
   * function that is asked when it is needed. Compiled once, however many sessions name the same address, object or function. An address that answers as
   * `application/wasm` is compiled while it comes; another type works, too. What cannot be had within 30 s fails the session with `wasm_unavailable`, another file or
   * version with `wasm_mismatch`, and the next `connect()` tries again.
   *
   * @example
   * // Vite
   * import wasm from "throughline/throughline.wasm?url";
   * // webpack; Parcel, with "npm:" before the name
   * const wasm = new URL("throughline/throughline.wasm", import.meta.url);
   * // Cloudflare Workers and other runtimes that import modules
   * import wasm from "throughline/throughline.wasm";
   * // Node
   * const wasm = readFile(new URL(import.meta.resolve("throughline/throughline.wasm")));
   * // a copy on your own server, held to a digest of dist/integrity.json
   * const wasm = () => new Request("/throughline.wasm", { integrity: "sha384-…" });
   *
   * const session = connect({ wasm });
   */
  wasm: WasmSource | Promise<WasmSource> | (() => WasmSource | Promise<WasmSource>);
}

/** What `connect()` takes. */
export interface Options extends InlinedOptions, WasmOptions {}

/**
 * Starts a session and returns it at once, in state `connecting`. Nothing happens at import; `wasm` is looked at on the first call. The types of payloads are those
 * of the schemas in `check`.
 */
export function connect<Events extends MessageMap, Commands extends MessageMap, Replies extends MessageMap>(
  options: Options & { check: PayloadCheck<Events, Commands, Replies> },
): Session<Events, Commands, Replies>;

/**
 * Starts a session and returns it at once, in state `connecting`. Nothing happens at import; `wasm` is looked at on the first call.
 * `Events` are the messages that come, `Commands` those that are sent, `Replies` what `request()` resolves with, each by type.
 *
 * @example
 * import wasm from "throughline/throughline.wasm?url";
 *
 * const session = connect<Events, Commands>({ wasm, url: "/realtime" });
 */
export function connect<
  Events extends MessageMap = Record<string, Payload>,
  Commands extends MessageMap = Record<string, Payload>,
  Replies extends MessageMap = Record<string, Payload>,
>(options: Options & Unopposed<Events, Commands, Replies>): Session<Events, Commands, Replies>;
