// A server that answers what it is told to, however wrong: WebSocket, event stream and polls on any path.

import { createHash } from "node:crypto";
import { createServer } from "node:http";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT = 1;
const BINARY = 2;
/** Lets any page read an answer. */
export const CORS = { "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*", "Cross-Origin-Resource-Policy": "cross-origin" };

/** A `ready` that a session accepts. */
export const READY = JSON.stringify([["ready", { session: "hostile", resumed: true, received: 0, heartbeat: 15_000, window: 120_000, unit: 1 << 20 }]]);

/**
 * Starts it. `script.units` are sent once something has arrived on a WebSocket: strings as text, Buffers as binary, a number
 * as a close with that code. `script.answer(request, response)` answers everything else.
 */
export async function startHostile() {
  const script = { units: [], answer: (_, response) => response.writeHead(404, CORS).end() };
  const server = createServer((request, response) => {
    if (request.method === "OPTIONS") return response.writeHead(204, CORS).end();
    script.answer(request, response);
  });
  const sockets = new Set();
  const upgraded = new Set();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
  });
  server.on("upgrade", (request, socket) => {
    const accept = createHash("sha1").update(request.headers["sec-websocket-key"] + GUID).digest("base64");
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    upgraded.add(socket);
    socket.once("close", () => upgraded.delete(socket));
    socket.once("data", () => script.units.forEach((unit) => socket.write(frame(unit))));
    if (script.early) socket.write(frame(script.early));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    script,
    url: `http://127.0.0.1:${server.address().port}`,
    /** Sends a unit on every WebSocket. */
    say: (unit) => upgraded.forEach((socket) => socket.write(frame(unit))),
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Answers with a status, readable by any page. */
export function answer(response, status, headers, body) {
  response.writeHead(status, { ...CORS, ...headers });
  response.end(body);
}

/** One unmasked frame (RFC 6455 §5.2). */
function frame(unit) {
  if (typeof unit === "number") return Buffer.from([0x88, 2, unit >> 8, unit & 255]);
  const body = Buffer.from(unit);
  const opcode = 0x80 | (typeof unit === "string" ? TEXT : BINARY);
  const head = Buffer.alloc(body.length < 126 ? 2 : body.length < 65_536 ? 4 : 10);
  head[0] = opcode;
  if (head.length === 2) head[1] = body.length;
  else if (head.length === 4) head.writeUInt16BE(body.length, (head[1] = 126) && 2);
  else head.writeBigUInt64BE(BigInt(body.length), (head[1] = 127) && 2);
  return Buffer.concat([head, body]);
}
