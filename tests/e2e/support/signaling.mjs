// Signalling as others do it, in front of the reference server: what they call it, not what they do behind it.

import { createServer } from "node:http";

const ANYONE = { "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*", "Access-Control-Allow-Methods": "*", "Access-Control-Expose-Headers": "*" };

/** Starts a server whose paths answer offers by handing them to `upstream`; `seen` are its requests. */
export async function startSignaling(upstream) {
  const seen = [];
  const exchange = async (sdp) => {
    const response = await fetch(upstream, { method: "POST", headers: { "Content-Type": "application/sdp" }, body: sdp });
    return response.text();
  };
  const routes = {
    "/sdp": async (body) => [200, "text/plain", await exchange(body)],
    "/json": async (body) => [200, "application/json", JSON.stringify({ answer: { type: "answer", sdp: await exchange(JSON.parse(body).sdp) } })],
    "/busy": async () => [502, "application/json", JSON.stringify({ error: { message: "no room" }, token: "sesame-4711" })],
    "/nonsense": async () => [200, "text/html", "<html>welcome to the hotel</html>"],
    "/broken": async () => [201, "application/sdp", "v=0\r\nnot a description\r\n"],
    "/ice": async () => [200, "application/json", JSON.stringify({ ice_servers: [{ url: "stun:127.0.0.1:3478" }, { url: "stun:127.0.0.1:53" }], ttl: "600" })],
    "/refuses": async () => [500, "text/plain", "no"],
  };
  const server = createServer(async (request, response) => {
    if (request.method === "OPTIONS") return response.writeHead(204, ANYONE).end();
    let body = "";
    for await (const chunk of request) body += chunk;
    const { pathname } = new URL(request.url, "http://shim");
    seen.push({ pathname, body, headers: request.headers });
    const [status, type, text] = await routes[pathname](body);
    response.writeHead(status, { ...ANYONE, "Content-Type": type }).end(text);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    seen,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
