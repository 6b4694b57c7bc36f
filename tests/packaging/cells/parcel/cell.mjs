export default {
  title: "Parcel",
  pages: { "/": "text", "/voice.html": "voice", "/wasm.html": "wasm", "/voice-wasm.html": "voice-wasm", "/unused.html": "none" },
  dev: { command: ["npm", "run", "dev", "--", "--host", "127.0.0.1", "--port", "{port}"], ready: /Built in/ },
  build: { command: ["npm", "run", "build"], output: "dist" },
};
