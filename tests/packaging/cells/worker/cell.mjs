export default {
  title: "Workers",
  pages: { "/": "text", "/shared.html": "text" },
  build: { output: "." },
};
