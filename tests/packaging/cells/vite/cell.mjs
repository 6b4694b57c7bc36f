export default {
  title: "Vite",
  pages: { "/": "text", "/voice.html": "voice", "/wasm.html": "wasm", "/voice-wasm.html": "voice-wasm", "/no-wasm.html": "no-wasm", "/unused.html": "none" },
  dev: { command: ["vite", "--host", "127.0.0.1", "--port", "{port}", "--strictPort"], ready: /ready in/ },
  build: { command: ["npm", "run", "build"], output: "dist" },
};
