// What `src/plain.rs` exports, in the shape that wasm-bindgen would give it.

/** Makes an instance of its own of the compiled module. Its core is its exports.
 * @param {WebAssembly.Module} module */
export function instantiate(module) {
  /** @type {any} */
  const wasm = new WebAssembly.Instance(module).exports;
  return {
    Core: function (options) {
      const at = wasm.room(options.length);
      new Uint8Array(wasm.memory.buffer).set(options, at);
      wasm.begin();
      return wasm;
    },
  };
}
