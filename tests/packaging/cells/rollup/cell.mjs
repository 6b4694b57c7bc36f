export default {
  title: "Rollup",
  pages: { "/": "text", "/voice.html": "voice", "/wasm.html": "wasm", "/voice-wasm.html": "voice-wasm", "/unused.html": "none" },
  build: { command: ["npm", "run", "build"], output: "public" },
};
