import type { WasmSource } from "./wasm.js";

/** What the bundler or the runtime makes of the file: its address, its bytes, or a module. `connect()` takes each. */
declare const wasm: WasmSource;
export default wasm;
