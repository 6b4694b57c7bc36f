/**
 * `throughline` for pages whose content security policy allows no WebAssembly (no `'wasm-unsafe-eval'` in `script-src`): the same sessions, options and types, whose
 * core is JavaScript. It is larger, and takes longer a message; `docs/using.md` says how much.
 */
export * from "./index.js";
