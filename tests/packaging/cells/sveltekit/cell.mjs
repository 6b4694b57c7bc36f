export default {
  title: "SvelteKit",
  tool: "@sveltejs/kit",
  pages: { "/": "text", "/call": "voice", "/wasm": "wasm" },
  dev: { command: ["vite", "dev", "--host", "127.0.0.1", "--port", "{port}"], ready: /Local:/ },
  build: { command: ["sh", "-c", "npm run check && npm run build"], output: "build/client", start: { command: ["node", "build"], ready: /Listening on/ } },
  journey: {
    edits: {
      component: { file: "src/routes/Room.svelte", from: ">Send<", to: ">Send it<" },
      session: { file: "src/routes/chat.ts", from: "/realtime?", to: "/realtime?edited&" },
    },
  },
};
