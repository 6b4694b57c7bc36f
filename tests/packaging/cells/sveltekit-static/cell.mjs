import sveltekit from "../sveltekit/cell.mjs";

const { journey, build } = sveltekit;

export default {
  title: "SvelteKit (prerendered)",
  app: "sveltekit",
  tool: "@sveltejs/kit",
  pages: { "/": "text", "/call/": "voice", "/wasm/": "wasm" },
  build: { command: build.command, output: "build" },
  journey,
};
