// @ts-ignore generated
import bytes, { mask } from "../wasm/bytes.js";
// @ts-ignore generated
import { initSync } from "../wasm/throughline.js";
import { SessionError } from "./error.js";

/** @type {Promise<void> | undefined} */
let loading;

/** Compiles the WebAssembly on the first call; later calls share it. */
export function load() {
  loading ??= compile().catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function compile() {
  if (typeof WebAssembly === "undefined") throw new SessionError("unsupported_environment", { terminal: true });
  const code = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) code[i] = bytes.charCodeAt(i) ^ mask;
  try {
    // WebKit compiles what it then does not instantiate.
    initSync({ module: await WebAssembly.compile(code) });
  } catch (cause) {
    throw new SessionError("wasm_blocked", { terminal: true, cause });
  }
}
