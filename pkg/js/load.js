// @ts-ignore generated
import bytes, { mask } from "../wasm/bytes.js";
// @ts-ignore generated
import { instantiate } from "../wasm/throughline.js";
import { SessionError } from "./error.js";

/** @type {Promise<WebAssembly.Module> | undefined} */
let compiling;

/** Makes an instance for one session. The WebAssembly is compiled on the first call; later calls share that. */
export async function load() {
  if (typeof WebAssembly === "undefined") throw new SessionError("unsupported_environment", { terminal: true });
  compiling ??= WebAssembly.compile(unmask());
  try {
    // WebKit compiles what it then does not instantiate.
    return instantiate(await compiling);
  } catch (cause) {
    compiling = undefined;
    throw new SessionError("wasm_blocked", { terminal: true, cause });
  }
}

function unmask() {
  const code = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) code[i] = bytes.charCodeAt(i) ^ mask;
  return code;
}
