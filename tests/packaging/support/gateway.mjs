// Stands before a server of an app and sees what browsers ask of it.

import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".json": "application/json", ".map": "application/json",
  ".wasm": "application/wasm", ".svg": "image/svg+xml",
};

/** Serves a folder as plain files. */
export function serveFolder(folder) {
  return listen(async ({ url }, response) => {
    const path = decodeURIComponent(new URL(url, "http://folder").pathname);
    try {
      const file = normalize(join(folder, path.endsWith("/") ? `${path}index.html` : path));
      const body = await readFile(file);
      response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream", "Cache-Control": "no-store" });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
}

/** Passes on what it is asked for, WebSockets too, and keeps each request with its status and the body of its answer. */
export async function startGateway(port) {
  const seen = [];
  const gateway = await listen((incoming, outgoing) => {
    const { method, url } = incoming;
    const entry = { method, path: url.split("?")[0], status: undefined, body: undefined };
    seen.push(entry);
    // Bodies are read here: they are not to be compressed.
    const headers = { ...incoming.headers, "accept-encoding": "identity" };
    const passed = request({ host: "127.0.0.1", port, method, path: url, headers }, (answer) => {
      entry.status = answer.statusCode;
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => (entry.body = Buffer.concat(chunks)));
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    outgoing.on("close", () => passed.destroy());
    incoming.pipe(passed);
  });
  gateway.server.on("upgrade", ({ method, url, rawHeaders }, socket, head) => {
    const passed = connect(port, "127.0.0.1", () => {
      const lines = rawHeaders.map((text, i) => (i % 2 ? `${text}\r\n` : `${text}: `));
      passed.write(`${method} ${url} HTTP/1.1\r\n${lines.join("")}\r\n`);
      passed.write(head);
      socket.pipe(passed).pipe(socket);
    });
    for (const end of [socket, passed]) end.on("error", () => (socket.destroy(), passed.destroy()));
  });
  return { ...gateway, seen };
}

async function listen(handle) {
  const server = createServer((request, response) => {
    // Browsers ask for it on their own.
    if (request.url === "/favicon.ico") return response.writeHead(204).end();
    handle(request, response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  return {
    server,
    port,
    url: `http://127.0.0.1:${port}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
