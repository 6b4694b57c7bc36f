// Serves a folder of pages on this machine alone, and says where.
//
// usage: node docs/site/serve.mjs FOLDER PORT

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const [folder, port] = process.argv.slice(2);
const TYPES = { ".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".json": "application/json", ".mjs": "text/javascript", ".rs": "text/plain" };

const server = createServer(async ({ url = "/" }, response) => {
  try {
    const asked = normalize(decodeURIComponent(new URL(url, "http://127.0.0.1").pathname));
    const path = join(folder, asked.endsWith("/") ? `${asked}index.html` : asked);
    if (!(await stat(path)).isFile()) throw new Error("no file");
    response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream", "cache-control": "no-cache" });
    createReadStream(path).pipe(response);
  } catch {
    response.writeHead(404, { "content-type": "text/plain" }).end("There is no such page.\n");
  }
});
server.listen(Number(port), "127.0.0.1", () => console.log(`documentation listening on http://127.0.0.1:${server.address().port}`));
