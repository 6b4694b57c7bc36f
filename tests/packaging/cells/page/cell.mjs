export default {
  title: "`<script type=\"module\">`",
  pages: { "/": "text", "/voice.html": "voice" },
  build: { output: "." },
};
