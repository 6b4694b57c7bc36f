import { SessionError, TEXTS } from "../error.js";

/** Texts of what only entries without WebAssembly of their own can tell. */
Object.assign(TEXTS, {
  wasm_unavailable: ["the WebAssembly could not be had", "check the option `wasm`, that the server has this file, and that connect-src of the content security policy allows it; `details` and `cause` say more"],
  wasm_mismatch: ["this is not the WebAssembly that belongs to this JavaScript", "give the package's throughline.wasm to throughline/wasm, voice.wasm to throughline/voice/wasm, of one version; `details` says what came"],
});

/** @param {string} what went wrong, if it is known @param {Record<string, unknown>} more */
const failure = (code, what, more) => new SessionError(code, { terminal: true, message: TEXTS[code][0] + (what && ` (${what})`), ...more });

export const unavailable = (what, more) => failure("wasm_unavailable", what, more);
export const mismatch = (what, more) => failure("wasm_mismatch", what, more);
