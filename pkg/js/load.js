import { SessionError } from "./error.js";

/**
 * Makes what makes an instance for each session. The WebAssembly, which `text` holds one character a byte, is compiled on the first call; later calls share that.
 * @param {string} text @param {number} mask @param {(module: WebAssembly.Module) => any} instantiate
 */
export function loader(text, mask, instantiate) {
  /** @type {Promise<WebAssembly.Module> | undefined} */
  let compiling;
  return async () => {
    if (typeof WebAssembly === "undefined") throw new SessionError("unsupported_environment", { terminal: true });
    compiling ??= WebAssembly.compile(bytesOf(text, mask));
    try {
      // WebKit compiles what it then does not instantiate.
      return instantiate(await compiling);
    } catch (cause) {
      compiling = undefined;
      throw new SessionError("wasm_blocked", { terminal: true, cause });
    }
  };
}

/** In a loop: `Uint8Array.from` calls a function for each character, which takes several times as long where nothing is compiled yet.
 * @param {string} text @param {number} mask */
function bytesOf(text, mask) {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i) ^ mask;
  return bytes;
}
