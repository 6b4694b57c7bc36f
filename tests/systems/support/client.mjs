// Clients that know nothing but HTTP, event streams and WebSockets.

import { connect } from "node:net";
import { once } from "node:events";

import { WebSocket } from "ws";

import { Heard, LIMIT } from "./heard.mjs";

/** Asks, and reads the answer as JSON where it is that. */
export async function ask(method, url, { body, headers = {} } = {}) {
  const sent = body === undefined ? {} : { "Content-Type": "application/json" };
  const given = typeof body === "object" ? JSON.stringify(body) : body;
  const response = await fetch(url, { method, headers: { ...sent, ...headers }, body: given, signal: AbortSignal.timeout(LIMIT) });
  const text = await response.text();
  const json = /^application\/json/.test(response.headers.get("content-type") ?? "");
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
}

export const get = (url, headers) => ask("GET", url, { headers });
export const post = (url, body, headers) => ask("POST", url, { body, headers });

/** Opens an event stream. `ended()` resolves with how it did, `events` hears `{ data, id }` and `{ comment }`, `chunks` how many events each read brought. */
export async function openStream(url, headers = {}) {
  const abort = new AbortController();
  const response = await fetch(url, { headers: { Accept: "text/event-stream", ...headers }, signal: abort.signal });
  const events = new Heard(`the stream of ${new URL(url).pathname}`);
  const chunks = [];
  const reading = read(response.body, events, chunks);
  reading.then(() => events.end());
  const ended = () => events.whole().then(() => reading);
  return { status: response.status, headers: response.headers, events, chunks, ended, close: () => abort.abort() };
}

/** Resolves with how the stream ended. */
async function read(body, events, chunks) {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of body) {
      const blocks = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) events.add(parse(block));
      chunks.push(blocks.length);
    }
    return "ended";
  } catch {
    return "reset";
  }
}

function parse(block) {
  const event = {};
  for (const line of block.split("\n")) {
    const [, field, value] = /^([^:]*): ?(.*)$/.exec(line);
    if (field === "") event.comment = value;
    else event[field] = field === "data" ? JSON.parse(value) : value;
  }
  return event;
}

/** Opens a WebSocket. `heard` hears texts as what they are the JSON of and bytes as Buffers; `closed()` resolves with the code. */
export async function openSocket(url) {
  const ws = new WebSocket(url);
  const heard = new Heard(`the WebSocket of ${new URL(url).pathname}`);
  ws.on("message", (data, isBinary) => heard.add(isBinary ? data : JSON.parse(data.toString())));
  let closeCode;
  ws.on("close", (code) => {
    closeCode = code;
    heard.end();
  });
  const closed = () => heard.whole().then(() => closeCode);
  await once(ws, "open");
  ws.on("error", () => {});
  return {
    heard,
    closed,
    ws,
    say: (message) => ws.send(typeof message === "string" || Buffer.isBuffer(message) ? message : JSON.stringify(message)),
    close: () => (ws.close(), closed()),
  };
}

/** The status that refuses a WebSocket. */
export async function refusal(url) {
  const ws = new WebSocket(url);
  ws.on("error", () => {});
  const [, response] = await Promise.race([once(ws, "unexpected-response"), once(ws, "open").then(() => Promise.reject(new Error(`${url} opened`)))]);
  response.resume();
  return response.statusCode;
}

/** Sends bytes as they are, and resolves with what came until the other side ended, or `undefined` if it reset. */
export async function raw(url, ...writes) {
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname);
  const chunks = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  const ended = new Promise((resolve) => {
    socket.on("end", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("close", () => resolve(false));
  });
  for (const write of writes) socket.write(write);
  const whole = await ended;
  socket.destroy();
  return whole ? Buffer.concat(chunks).toString() : undefined;
}

/** The bytes that ask for a WebSocket. */
export function upgradeRequest(path) {
  return [`GET ${path} HTTP/1.1`, "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhyb3VnaGxpbmVrZXk9PQ==", "Sec-WebSocket-Version: 13", "", ""].join("\r\n");
}
