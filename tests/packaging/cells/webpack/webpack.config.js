const HtmlPlugin = require("html-webpack-plugin");

const pages = { index: "./src/text.js", voice: "./src/voice.js", wasm: "./src/wasm.js", "voice-wasm": "./src/voice-wasm.js", unused: "./src/unused.js" };

module.exports = {
  entry: pages,
  output: { filename: "[name].[contenthash].js", clean: true },
  plugins: Object.keys(pages).map((name) => new HtmlPlugin({ filename: `${name}.html`, chunks: [name] })),
};
