export default {
  title: "webpack",
  pages: { "/": "text", "/voice.html": "voice", "/wasm.html": "wasm", "/voice-wasm.html": "voice-wasm", "/unused.html": "none" },
  dev: { command: ["webpack", "serve", "--mode", "development", "--host", "127.0.0.1", "--port", "{port}"], ready: /compiled/ },
  build: { command: ["npm", "run", "build"], output: "dist" },
};
