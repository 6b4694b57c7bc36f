// What `src/plain.rs` exports, in the shape that wasm-bindgen would give it.

/** Makes an instance of its own of the compiled module. Its core is its exports.
 * @param {WebAssembly.Module} module */
export function instantiate(module) {
  /** @type {any} */
  const wasm = new WebAssembly.Instance(module).exports;
  /** @param {Uint8Array} bytes */
  const write = (bytes) => {
    const at = wasm.room(bytes.length);
    new Uint8Array(wasm.memory.buffer).set(bytes, at);
  };

  /** Reads one event stream. */
  class SseParser {
    #parser;

    constructor(limit) {
      this.#parser = wasm.listen(limit);
    }

    push(chunk) {
      write(chunk);
      const length = wasm.feed(this.#parser);
      return length < 0 ? undefined : new Uint8Array(wasm.memory.buffer, wasm.room(length), length);
    }

    retry() {
      return wasm.pause(this.#parser);
    }

    free() {
      wasm.hang_up(this.#parser);
    }
  }

  return {
    Core: function (options) {
      write(options);
      wasm.begin();
      return wasm;
    },
    SseParser,
  };
}
