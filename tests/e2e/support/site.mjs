// A small site of its own: blank pages with any headers, and the built package. It outlives the server under test.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../../", import.meta.url);
const FILES = {
  "/throughline.js": fileURLToPath(new URL("pkg/dist/throughline.js", ROOT)),
  "/harness.js": fileURLToPath(new URL("harness.js", import.meta.url)),
};
const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const PAGE = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>blank</title><script src="/harness.js"></script>';

/** Starts the site. `routes` answer further paths: `{ "/path": (request, response) => … }`. */
export async function startSite(routes = {}) {
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://site");
    if (routes[pathname]) return routes[pathname](request, response);
    const headers = { "Cache-Control": "no-store", ...ISOLATED };
    if (pathname === "/page") {
      const policy = searchParams.get("csp");
      if (policy) headers["Content-Security-Policy"] = policy;
      response.writeHead(200, { ...headers, "Content-Type": "text/html" });
      return response.end(PAGE);
    }
    const file = FILES[pathname];
    if (!file) return response.writeHead(404).end();
    response.writeHead(200, { ...headers, "Content-Type": "text/javascript" });
    response.end(await readFile(file));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  return {
    url,
    server,
    page: (query = {}) => `${url}/page?${new URLSearchParams(query)}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
