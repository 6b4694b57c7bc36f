// A site whose pages each have a policy of their own, and the session's server at their own origin as well.

import { readFile } from "node:fs/promises";
import { createServer, request as ask } from "node:http";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../../../", import.meta.url);
const dist = (name) => fileURLToPath(new URL(`pkg/dist/${name}`, ROOT));
/** What it has, by address. */
export const FILES = {
  "/throughline.js": dist("throughline.js"),
  "/voice.js": dist("voice.js"),
  "/wasm.js": dist("wasm.js"),
  "/voice-wasm.js": dist("voice-wasm.js"),
  "/no-wasm.js": dist("no-wasm.js"),
  "/throughline.wasm": dist("throughline.wasm"),
  "/voice.wasm": dist("voice.wasm"),
  "/integrity.json": dist("integrity.json"),
  "/audio-worklet.js": dist("audio-worklet.js"),
  "/trial.js": fileURLToPath(new URL("trial.js", import.meta.url)),
  "/page.js": fileURLToPath(new URL("page.js", import.meta.url)),
};
/** An opaque origin, which a sandbox gives, shares its origin with nobody. */
const ANY = { "Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin", "Cache-Control": "no-store" };

/** Starts the site in front of a server of sessions. */
export async function startStrictSite(session) {
  const pages = new Map();
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://site");
    if (pathname.startsWith("/realtime")) return forward(request, response, session);
    const page = pages.get(pathname);
    if (page) {
      response.writeHead(200, { ...ANY, ...page.headers });
      return response.end(page.text);
    }
    if (!FILES[pathname]) return response.writeHead(404, ANY).end();
    response.writeHead(200, { ...ANY, "Content-Type": pathname.endsWith(".wasm") ? "application/wasm" : "text/javascript" });
    response.end(await readFile(FILES[pathname]));
  });
  server.on("upgrade", (request, socket, head) => tunnel(request, socket, head, session));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  return {
    url,
    /** Serves a text at a path of its own, and gives its address. */
    put(name, headers, text) {
      const path = `/${pages.size}/${name}`;
      pages.set(path, { headers: { "Content-Type": name.endsWith(".js") ? "text/javascript" : "text/html", ...headers }, text });
      return url + path;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Hands a request on as it is. */
function forward(request, response, { hostname, port }) {
  const { method, headers, url: path } = request;
  const onward = ask({ hostname, port, path, method, headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    response.flushHeaders();
    answer.pipe(response);
  });
  onward.on("error", () => response.destroy());
  response.on("close", () => onward.destroy());
  request.pipe(onward);
}

function tunnel({ method, url, rawHeaders }, socket, head, { hostname, port }) {
  const onward = connect(port, hostname, () => {
    const lines = Array.from({ length: rawHeaders.length / 2 }, (_, i) => `${rawHeaders[2 * i]}: ${rawHeaders[2 * i + 1]}\r\n`);
    onward.write(`${method} ${url} HTTP/1.1\r\n${lines.join("")}\r\n`);
    onward.write(head);
    onward.pipe(socket).pipe(onward);
  });
  for (const [one, other] of [[socket, onward], [onward, socket]]) {
    one.on("error", () => other.destroy());
    one.on("close", () => other.destroy());
  }
}
