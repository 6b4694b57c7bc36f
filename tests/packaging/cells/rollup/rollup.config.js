import resolve from "@rollup/plugin-node-resolve";

export default {
  input: ["src/text.js", "src/voice.js", "src/unused.js"],
  output: { dir: "public", format: "es" },
  plugins: [resolve({ browser: true })],
};
