export default {
  title: "Rollup",
  pages: { "/": "text", "/voice.html": "voice", "/unused.html": "none" },
  build: { command: ["npm", "run", "build"], output: "public" },
};
