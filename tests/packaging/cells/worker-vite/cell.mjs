export default {
  title: "The same in Vite",
  tool: "vite",
  pages: { "/": "text", "/shared.html": "text" },
  dev: { command: ["vite", "--host", "127.0.0.1", "--port", "{port}", "--strictPort"], ready: /ready in/ },
  build: { command: ["npm", "run", "build"], output: "dist", copies: 2 },
};
