import { SessionError } from "../error.js";
import { mismatch, unavailable } from "./errors.js";

/** Milliseconds for what the application gives to become a module. */
const PATIENCE = 30_000;
/** How many addresses are remembered: a page that signs them anew each time names ever more. */
const REMEMBERED = 8;
/** The smallest module. */
const EMPTY = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
/** Where a module says which one it is. */
const SECTION = "throughline";

const isBytes = (source) => ArrayBuffer.isView(source) || is(source, "ArrayBuffer");
/** Whether it is one of these, of whatever realm. */
const is = (source, ...names) => names.includes(Object.prototype.toString.call(source).slice(8, -1));
const isSource = (source) => (typeof source === "string" && source !== "") || is(source, "URL", "Request", "Response", "WebAssembly.Module") || isBytes(source);

/** @returns {never} */
function refuse() {
  const message = "wasm must be the address of the package's .wasm file, a Request, a Response, a WebAssembly.Module, its bytes, a promise of one, or a function that returns one";
  throw new SessionError("bad_option", { terminal: true, message });
}

/** Refuses what can be no WebAssembly. @param {any} options */
export function checkWasm({ wasm }) {
  if (!isSource(wasm) && typeof wasm !== "function" && typeof wasm?.then !== "function") refuse();
}

/** A source on its way to a module, and who waits for it. */
class Making {
  #waiting = 0;
  #limit = new AbortController();

  /** @param {(signal: AbortSignal) => Promise<WebAssembly.Module>} make @param {boolean} again whether the source can be had once more */
  constructor(make, again) {
    const { signal } = this.#limit;
    const late = setTimeout(() => this.#limit.abort(unavailable(`not within ${PATIENCE} ms`, {})), PATIENCE);
    // What comes of itself holds no process.
    if (!again) /** @type {any} */ (late).unref?.();
    this.again = again;
    /** @type {Promise<WebAssembly.Module>} */
    this.module = new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      make(signal).then(resolve, reject);
    });
    const done = () => clearTimeout(late);
    this.module.then(done, done);
  }

  /** Counts one more that waits, until it is gone. @param {AbortSignal} gone @param {() => void} dropped what to do when nobody is left */
  wait(gone, dropped) {
    if (!this.again) return;
    this.#waiting++;
    const leave = () => {
      if (--this.#waiting) return;
      dropped();
      this.#limit.abort(unavailable("nobody waits for it", {}));
    };
    gone.addEventListener("abort", leave);
    const settled = () => gone.removeEventListener("abort", leave);
    this.module.then(settled, settled);
  }
}

/**
 * Makes what makes an instance for each session of the WebAssembly that the application gives. A source is compiled once, however many sessions name it; one that
 * failed, or that all who waited for it left, is tried again by the next.
 * @param {string} identity what the module must say it is @param {(module: WebAssembly.Module) => any} instantiate
 */
export function loaderOf(identity, instantiate) {
  /** What the last addresses became. @type {Map<string, Making>} */
  const fetched = new Map();
  /** What all other sources became. @type {WeakMap<object, Making>} */
  const taken = new WeakMap();

  /**
   * @param {Map<any, any> | WeakMap<any, any>} made @param {AbortSignal} gone @param {(signal: AbortSignal) => Promise<WebAssembly.Module>} make
   * @returns {Promise<WebAssembly.Module>}
   */
  const once = (made, source, gone, make, again = true) => {
    /** @type {Making} */
    let making = made.get(source);
    const forget = () => made.get(source) === making && made.delete(source);
    if (!making) {
      making = new Making(make, again);
      made.set(source, making);
      making.module.catch(forget);
    }
    making.wait(gone, forget);
    return making.module;
  };

  /** @param {AbortSignal} gone aborted when it is wanted no more */
  const moduleOf = async (source, gone) => {
    if (typeof source === "string" || is(source, "URL")) {
      const address = addressOf(source);
      const module = once(fetched, address, gone, async (signal) => compiled(await answered(address, signal), identity));
      if (fetched.size > REMEMBERED) fetched.delete(/** @type {string} */ (fetched.keys().next().value));
      return module;
    }
    if (typeof source === "function") return once(taken, source, gone, async (signal) => moduleOf(await calm(source), signal));
    if (typeof source?.then === "function") return once(taken, source, gone, async (signal) => moduleOf(await calm(() => source), signal));
    if (!isSource(source)) return refuse();
    if (is(source, "Request")) return once(taken, source, gone, async (signal) => compiled(await answered(source, AbortSignal.any([signal, source.signal])), identity));
    return once(taken, source, gone, async () => compiled(source, identity), false);
  };

  const instanceOf = async (source, gone) => {
    if (typeof WebAssembly === "undefined") throw new SessionError("unsupported_environment", { terminal: true });
    const module = await moduleOf(source, gone);
    try {
      return instantiate(module);
    } catch (cause) {
      throw await judged(cause, { expected: identity });
    }
  };

  /** Who ends the session does not wait for what is still to come. @param {any} host */
  return ({ options: { wasm, signal }, over }) => {
    if (signal?.aborted) return over;
    const gone = new AbortController();
    over.then(() => gone.abort());
    return Promise.race([instanceOf(wasm, gone.signal), over]);
  };
}

/** Waits for what the application promised. */
async function calm(ask) {
  try {
    return await ask();
  } catch (cause) {
    throw unavailable("", { cause });
  }
}

/** @param {string | URL} source @returns {string} */
function addressOf(source) {
  let address;
  try {
    address = new URL(source, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch {
    // What the engine says of it has the address in it, and perhaps a secret.
    throw new SessionError("bad_option", { terminal: true, message: "wasm is no address here: there is no page that it is relative to, or it cannot be read" });
  }
  if (address.username || address.password) throw new SessionError("bad_option", { terminal: true, message: "wasm is an address with a name or a password in it, which fetch() refuses" });
  return address.href;
}

/** @param {string | Request} source @param {AbortSignal} signal */
async function answered(source, signal) {
  const address = typeof source === "string" ? source : source.url;
  try {
    return await fetch(source, { signal });
  } catch (cause) {
    throw unavailable("", { cause, details: { url: shown(address) } });
  }
}

/** Makes a module of an answer, of bytes or of a module, and looks whether it is the one. */
async function compiled(source, expected) {
  /** @type {Record<string, unknown>} */
  const details = { expected };
  const module = await compile(source, details);
  const [section] = WebAssembly.Module.customSections(module, SECTION);
  details.actual = section && new TextDecoder().decode(section);
  if (details.actual !== expected) throw mismatch(`${details.actual ?? "one of no name"} for ${expected}`, { details });
  return module;
}

/** @param {any} source @param {Record<string, unknown>} details what is known of it, and becomes known @returns {Promise<WebAssembly.Module>} */
async function compile(source, details) {
  if (is(source, "WebAssembly.Module")) return source;
  try {
    // Some engines take no other view than this one.
    if (ArrayBuffer.isView(source)) return await WebAssembly.compile(new Uint8Array(/** @type {any} */ (source.buffer), source.byteOffset, source.byteLength));
    if (isBytes(source)) return await WebAssembly.compile(source);
    const { ok, status, url, headers } = source;
    const type = headers.get("content-type") ?? "of no type";
    Object.assign(details, { url: shown(url), status, type });
    if (!ok) throw unavailable(`HTTP ${status}`, { details });
    // Browsers compile while it comes, unless the server calls it by another name.
    if (isWasm(type) && WebAssembly.compileStreaming) return await WebAssembly.compileStreaming(source);
    return await WebAssembly.compile(await source.arrayBuffer());
  } catch (cause) {
    throw cause instanceof SessionError ? cause : await judged(cause, details);
  }
}

/** What it means that something could not be compiled, instantiated or read: whether there is no room, the page may have no WebAssembly at all, or not this one. */
async function judged(cause, details) {
  // Too little memory, or a stack too deep: neither the file nor a policy is at fault.
  if (cause instanceof RangeError) {
    const [message, remediation] = ["there is no room for the WebAssembly", "let go of memory (other sessions, large buffers), then call connect() again"];
    return new SessionError("unsupported_environment", { terminal: true, cause, details, message, remediation });
  }
  try {
    new WebAssembly.Instance(await WebAssembly.compile(EMPTY));
  } catch (cause) {
    return new SessionError("wasm_blocked", { terminal: true, cause });
  }
  const { type } = details;
  if (cause instanceof WebAssembly.CompileError || cause instanceof WebAssembly.LinkError) return mismatch(type && !isWasm(type) ? type : cause.message, { cause, details });
  return unavailable("", { cause, details });
}

const isWasm = (type) => /^application\/wasm$/i.test(type);

/** An address without what may be a secret, or is the whole file. @param {string} address */
function shown(address) {
  if (!URL.canParse(address)) return "";
  const { protocol, host, pathname } = new URL(address);
  if (protocol === "data:") return protocol + (/^[\w.+-]+\/[\w.+-]+(?=[;,])/.exec(pathname)?.[0] ?? "");
  return host ? `${protocol}//${host}${pathname}` : protocol + pathname;
}
