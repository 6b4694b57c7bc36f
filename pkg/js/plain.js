// What `src/plain.rs` exports, in the shape that wasm-bindgen would give it.

/** Makes an instance of its own of the compiled module.
 * @param {WebAssembly.Module} module */
export const instantiate = (module) => coreOf(new WebAssembly.Instance(module).exports);

/** Its core is its exports.
 * @param {any} wasm */
export const coreOf = (wasm) => ({
  Core: function (options) {
    const at = wasm.room(options.length);
    new Uint8Array(wasm.memory.buffer).set(options, at);
    wasm.begin();
    return wasm;
  },
});
