import { SessionError } from "../error.js";
import { bounded } from "../listeners.js";
import { mismatch, unavailable } from "./errors.js";

/** Milliseconds for what the application gives to become a module. */
const PATIENCE = 30_000;
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

/**
 * Makes what makes an instance for each session of the WebAssembly that the application gives. A source is compiled once, however many sessions name it; one that
 * failed is tried again by the next.
 * @param {string} identity what the module must say it is @param {(module: WebAssembly.Module) => any} instantiate
 */
export function loaderOf(identity, instantiate) {
  /** What addresses became. @type {Map<string, Promise<WebAssembly.Module>>} */
  const fetched = new Map();
  /** What all other sources became. @type {WeakMap<object, Promise<WebAssembly.Module>>} */
  const taken = new WeakMap();

  /** @param {Map<any, any> | WeakMap<any, any>} made @param {() => Promise<WebAssembly.Module>} make @returns {Promise<WebAssembly.Module>} */
  const once = (made, source, make) => {
    let making = made.get(source);
    if (!making) {
      const late = () => unavailable(`not within ${PATIENCE} ms`, {});
      making = bounded({ timeout: PATIENCE }, (resolve, reject) => make().then(resolve, reject), late);
      made.set(source, making);
      making.catch(() => made.delete(source));
    }
    return making;
  };

  const moduleOf = async (source) => {
    if (typeof source === "string" || is(source, "URL")) {
      const address = addressOf(source);
      return once(fetched, address, async () => compiled(await answered(address), identity));
    }
    if (typeof source === "function") return once(taken, source, async () => moduleOf(await calm(source)));
    if (typeof source?.then === "function") return once(taken, source, async () => moduleOf(await calm(() => source)));
    if (!isSource(source)) return refuse();
    return once(taken, source, async () => compiled(is(source, "Request") ? await answered(source) : source, identity));
  };

  return async (source) => {
    if (typeof WebAssembly === "undefined") throw new SessionError("unsupported_environment", { terminal: true });
    const module = await moduleOf(source);
    try {
      return instantiate(module);
    } catch (cause) {
      throw await judged(cause, { expected: identity });
    }
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

/** @param {string | URL} source */
function addressOf(source) {
  try {
    return new URL(source, globalThis.document?.baseURI ?? globalThis.location?.href).href;
  } catch (cause) {
    throw new SessionError("bad_option", { terminal: true, cause, message: "wasm is no address here: there is no page that it is relative to" });
  }
}

/** @param {string | Request} source */
async function answered(source) {
  const address = typeof source === "string" ? source : source.url;
  try {
    return await fetch(source);
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
    if (/^application\/wasm$/i.test(type)) return await WebAssembly.compileStreaming(source);
    return await WebAssembly.compile(await source.arrayBuffer());
  } catch (cause) {
    throw cause instanceof SessionError ? cause : await judged(cause, details);
  }
}

/** What it means that something could not be compiled, instantiated or read: whether the page may have no WebAssembly at all, or not this one. */
async function judged(cause, details) {
  try {
    new WebAssembly.Instance(await WebAssembly.compile(EMPTY));
  } catch (cause) {
    return new SessionError("wasm_blocked", { terminal: true, cause });
  }
  if (cause instanceof WebAssembly.CompileError || cause instanceof WebAssembly.LinkError) return mismatch(details.type ?? cause.message, { cause, details });
  return unavailable("", { cause, details });
}

/** An address without what may be a secret. */
const shown = (address) => address.replace(/[?#].*/, "");
