export default {
  title: "esbuild",
  pages: { "/": "text", "/voice.html": "voice", "/wasm.html": "wasm", "/voice-wasm.html": "voice-wasm", "/unused.html": "none" },
  dev: { command: ["npm", "run", "dev", "--", "--serve=127.0.0.1:{port}"], ready: /Local:/ },
  build: { command: ["npm", "run", "build"], output: "public" },
};
