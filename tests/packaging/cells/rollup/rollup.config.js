import resolve from "@rollup/plugin-node-resolve";
import url from "@rollup/plugin-url";

export default {
  input: ["src/text.js", "src/voice.js", "src/wasm.js", "src/voice-wasm.js", "src/unused.js"],
  output: { dir: "public", format: "es" },
  plugins: [resolve({ browser: true }), url({ include: "**/*.wasm", limit: 0, publicPath: "/" })],
};
