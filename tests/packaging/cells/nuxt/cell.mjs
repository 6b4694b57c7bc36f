export default {
  title: "Nuxt",
  pages: { "/": "text", "/call": "voice", "/wasm": "wasm" },
  dev: { command: ["nuxt", "dev", "--host", "127.0.0.1", "--port", "{port}"], ready: /Vite client warmed up|Nitro built/ },
  build: { command: ["sh", "-c", "npm run check && npm run build"], output: ".output/public", start: { command: ["node", ".output/server/index.mjs"], ready: /Listening on/ } },
  journey: {
    edits: {
      component: { file: "app/components/Room.vue", from: ">Send<", to: ">Send it<" },
      session: { file: "app/chat.ts", from: "/realtime?", to: "/realtime?edited&" },
    },
  },
};
