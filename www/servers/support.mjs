// What the five servers share: options, a table of routes, JSON in and out, event streams, WebSockets.

import { createServer } from "node:http";
import { parseArgs } from "node:util";

import { WebSocketServer } from "ws";

/** Largest body or message that is read, in bytes. */
const LARGEST = 1 << 20;
/** What may wait for a reader that does not read, in bytes. */
const UNREAD = 4 << 20;
/** Most sessions kept; the oldest go first. */
const SESSIONS = 10_000;

/** Pages of any origin may ask: the page under test is seldom served from here. */
const CORS = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
  "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID, If-None-Match, Cache-Control",
  "Access-Control-Expose-Headers": "ETag, Retry-After, Upgrade",
  "Cross-Origin-Resource-Policy": "cross-origin",
};

/** A request that is answered with a status and `{ error }`. */
export class Refused extends Error {
  constructor(status, message, headers = {}) {
    super(message);
    Object.assign(this, { status, headers });
  }
}

/** Writes a line of the log. Queries and headers stay out of it: they may hold tokens. */
export function log(text) {
  console.error(`${new Date().toISOString()} ${text}`);
}

/** Reads the command line. `usual` names each option and what it is else: a boolean, a number from 0 on, or a text. */
export function options(usual) {
  const flags = Object.keys(usual).map((name) => [name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), name]);
  const told = (why) => {
    console.error([why, ...flags.map(([flag, name]) => `  --${flag} ${JSON.stringify(usual[name])}`)].join("\n"));
    process.exit(2);
  };
  const kinds = flags.map(([flag, name]) => [flag, { type: typeof usual[name] === "boolean" ? "boolean" : "string" }]);
  let values;
  try {
    ({ values } = parseArgs({ options: Object.fromEntries(kinds) }));
  } catch (error) {
    told(error.message);
  }
  const chosen = { ...usual };
  for (const [flag, name] of flags) {
    if (values[flag] === undefined) continue;
    chosen[name] = typeof usual[name] === "number" ? Number(values[flag] || NaN) : values[flag];
    if (typeof usual[name] === "number" && !(chosen[name] >= 0 && chosen[name] < Infinity)) told(`--${flag} wants a number`);
  }
  return chosen;
}

/**
 * Serves on 127.0.0.1, says so, and ends with SIGTERM or SIGINT. `routes` maps `"GET /a/[id]"` to what answers it: what is
 * returned is sent as JSON, `undefined` says that the answer is given. `sockets` maps a path to what takes its upgrade.
 */
export async function serve({ says, scheme = "http", port, routes = {}, sockets = {} }) {
  const table = Object.entries(routes).map(([route, handle]) => {
    const [method, path] = route.split(" ");
    return { method, pattern: new RegExp(`^${path.replace(/\[(\w+)\]/g, "(?<$1>[^/]+)")}$`), handle };
  });
  const server = createServer((request, response) => answer(table, sockets, request, response));
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => {});
    const { pathname, query } = place(request) ?? {};
    const take = Object.hasOwn(sockets, pathname ?? "") && sockets[pathname];
    log(`upgrade ${pathname}`);
    if (take) take({ request, socket, head, query });
    else refuseUpgrade({ socket }, 404);
  });
  server.on("clientError", (_, socket) => socket.writable && socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
  server.on("error", (error) => {
    log(error.message);
    process.exit(1);
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = `${scheme}://127.0.0.1:${server.address().port}`;
  console.log(`${says} on ${address}`);
  for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => process.exit(0));
  return address;
}

async function answer(table, sockets, request, response) {
  for (const [name, value] of Object.entries(CORS)) response.setHeader(name, value);
  response.on("error", () => {});
  const { pathname, query } = place(request) ?? {};
  response.once("close", () => log(`${request.method} ${pathname} ${response.statusCode}`));
  try {
    const routes = table.filter(({ pattern }) => pattern.test(pathname));
    if (request.method === "OPTIONS" && pathname) return void response.writeHead(204).end();
    if (!routes.length && Object.hasOwn(sockets, pathname ?? "")) throw new Refused(426, "Upgrade Required", { Upgrade: "websocket" });
    if (!routes.length) throw new Refused(404, "Not found");
    const route = routes.find(({ method }) => method === request.method);
    if (!route) throw new Refused(405, "Method not allowed", { Allow: routes.map(({ method }) => method).join(", ") });
    const params = decoded(route.pattern.exec(pathname).groups);
    const body = request.method === "POST" ? await bodyOf(request) : undefined;
    const value = await route.handle({ request, response, params, query, body });
    if (value !== undefined) send(response, 200, value);
  } catch (error) {
    if (!(error instanceof Refused) && !request.destroyed) log(error.stack);
    if (response.headersSent || response.destroyed) return void response.destroy();
    const { status, headers, message } = error instanceof Refused ? error : { status: 500, headers: {}, message: "Internal error" };
    // What is left of a body that is not read would be taken for the next request.
    send(response, status, { error: message }, request.complete ? headers : { ...headers, Connection: "close" });
  }
}

/** Answers with JSON. */
export function send(response, status, value, headers = {}) {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store", ...headers });
  response.end(JSON.stringify(value));
}

function place(request) {
  try {
    const { pathname, searchParams } = new URL(request.url, "http://server");
    return { pathname, query: searchParams };
  } catch {
    return undefined;
  }
}

function decoded(groups = {}) {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch {
    throw new Refused(400, "Malformed path");
  }
}

/** The object in a request's body, whatever its type is said to be. */
async function bodyOf(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > LARGEST) throw new Refused(413, "Body too large");
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
  const value = text ? parse(text) : {};
  if (!value) throw new Refused(400, "The body is no JSON object");
  return value;
}

/** The object that a text is the JSON of, or `undefined`. */
export function parse(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A member of a body that has to be a text. */
export function text(body, member) {
  if (typeof body[member] !== "string" || !body[member]) throw new Refused(400, `${member} must be a text`);
  return body[member];
}

/** A member of a body that has to be bytes in base64. */
export function bytes(body, member) {
  const value = text(body, member);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(value)) throw new Refused(400, `${member} must be base64`);
  return Buffer.from(value, "base64");
}

/** The token of `Authorization: Bearer …`, or `undefined`. */
export function bearer(request) {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
}

/** Keeps a session, and no more than a bounded number of them. */
export function keep(sessions, id, session) {
  sessions.set(id, session);
  if (sessions.size > SESSIONS) sessions.delete(sessions.keys().next().value);
  return session;
}

/** An answer that goes on: server-sent events. */
export class EventStream {
  #response;

  constructor(response) {
    this.#response = response;
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no" });
    response.flushHeaders();
  }

  /** Sends an event's data as JSON. */
  send(data, id) {
    this.#write(`${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`);
  }

  comment(words) {
    this.#write(`: ${words}\n\n`);
  }

  /** Ends as a function does that returns. */
  end() {
    this.#response.end();
  }

  /** Ends as a function does that is killed. */
  reset() {
    this.#response.destroy();
  }

  /** Runs once the client is gone, or the stream has ended. */
  onclose(run) {
    if (this.#response.destroyed) run();
    else this.#response.once("close", run);
  }

  #write(chunk) {
    if (this.#response.writableLength > UNREAD) this.#response.destroy();
    else if (this.#response.writable) this.#response.write(chunk);
  }
}

const acceptor = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: LARGEST });

/** Takes an upgrade; `attach` gets the WebSocket. */
export function accept({ request, socket, head }, attach) {
  acceptor.handleUpgrade(request, socket, head, (ws) => {
    ws.on("error", (error) => log(`websocket: ${error.message}`));
    attach(ws);
  });
}

/** Refuses an upgrade with a status. */
export function refuseUpgrade({ socket }, status) {
  const reason = { 400: "Bad Request", 404: "Not Found", 426: "Upgrade Required", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout" }[status];
  const upgrade = status === 426 ? "Upgrade: websocket\r\n" : "";
  socket.end(`HTTP/1.1 ${status} ${reason}\r\n${upgrade}Connection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Sends on a WebSocket: bytes as they are, all else as JSON. */
export function tell(ws, message) {
  if (ws.readyState !== ws.OPEN) return;
  if (ws.bufferedAmount > UNREAD) ws.terminate();
  else ws.send(Buffer.isBuffer(message) ? message : JSON.stringify(message));
}

/** Passes what comes on either WebSocket on to the other, and the end of either. Both may have been paused. */
export function relay(one, other) {
  for (const [from, to] of [[one, other], [other, one]]) {
    from.on("message", (data, isBinary) => {
      if (to.bufferedAmount > UNREAD) return void from.terminate();
      if (to.readyState === to.OPEN) to.send(data, { binary: isBinary });
    });
    from.on("close", (code, reason) => to.close(...(sendable(code) ? [code, reason] : [])));
    from.on("error", (error) => log(`relay: ${error.message}`));
    from.resume();
  }
}

/** Whether a close code may be sent, and not only told (RFC 6455 §7.4). */
const sendable = (code) => code >= 3000 || (code >= 1000 && ![1004, 1005, 1006, 1015].includes(code));
