export default {
  title: "Workers, dedicated and shared",
  pages: { "/": "text", "/shared.html": "text" },
  build: { output: "." },
};
