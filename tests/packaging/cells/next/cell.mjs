export const run = (...args) => ["env", "NEXT_TELEMETRY_DISABLED=1", "next", ...args];

export default {
  title: "Next.js (Turbopack)",
  pages: { "/": "text", "/call": "voice", "/wasm": "wasm" },
  dev: { command: run("dev", "-H", "127.0.0.1", "-p", "{port}"), ready: /Ready in/ },
  build: { command: run("build"), output: ".next/static", start: { command: run("start", "-H", "127.0.0.1", "-p", "{port}"), ready: /Ready in/ } },
  journey: {
    edits: {
      component: { file: "app/Room.tsx", from: ">Send<", to: ">Send it<" },
      session: { file: "app/chat.ts", from: "/realtime?", to: "/realtime?edited&" },
    },
  },
};
