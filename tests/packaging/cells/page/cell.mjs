export default {
  title: "`<script type=\"module\">`",
  pages: { "/": "text", "/voice.html": "voice", "/wasm.html": "wasm", "/no-wasm.html": "no-wasm" },
  build: { output: "." },
};
