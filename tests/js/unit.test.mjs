// What cannot be read is the server's fault, a trap of the core is ours, and neither leaves a session hanging: also where there is no WebAssembly.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { WebSocket, WebSocketServer } from "ws";

import { Host } from "../../pkg/js/host.js";
import { KIT } from "../../pkg/js/kit.js";
import { coreOf } from "../../pkg/js/plain.js";
import { Session } from "../../pkg/js/session.js";
import script from "../../pkg/wasm/text/script.js";

const names = JSON.parse(await readFile(new URL("../../pkg/wasm/text/names.json", import.meta.url), "utf8"));
const EXPORTS = ["memory", "room", "begin", "tell", "take", "accept", "heard", "delivered"];

/** The core as JavaScript, by its long names, one of whose exports traps. */
function core(trap, error) {
  const wasm = script();
  const named = Object.fromEntries(EXPORTS.map((name) => [name, wasm[name] ?? wasm[names[name]]]));
  const broken = () => {
    throw error;
  };
  return coreOf(trap ? { ...named, [trap]: broken } : named);
}

let server;
let answer;
before(async () => {
  // Node's own needs WebAssembly, as does the first fetch.
  globalThis.WebSocket = /** @type {any} */ (WebSocket);
  server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: (offered) => [...offered][0] });
  server.on("connection", (socket) => socket.send(answer));
  await new Promise((resolve) => server.once("listening", resolve));
  await (await fetch(`http://127.0.0.1:${server.address().port}`)).text();
});
after(() => {
  for (const socket of server.clients) socket.terminate();
  server.close();
});

/** The first error of a session whose server says that at once, the state it is in then, and the error's cause. */
async function told(unit, load, more = {}) {
  answer = unit;
  const session = new Session(new Host({ url: `ws://127.0.0.1:${server.address().port}/realtime`, transports: ["websocket"], ...more }, { load, ...KIT }));
  const error = await new Promise((resolve) => session.on("error", resolve));
  const { state } = session;
  await session.close();
  return [error.code, state, error.cause];
}

test("a unit that cannot be read ends its link as `protocol`, where there is no WebAssembly too", { timeout: 10_000 }, async () => {
  const { WebAssembly } = globalThis;
  // @ts-ignore as in Lockdown Mode
  delete globalThis.WebAssembly;
  try {
    for (const unit of ["}{", "7", '[["odd"]]', '[["ack",-1]]', Uint8Array.of(0)]) assert.equal((await told(/** @type {any} */ (unit), async () => core()))[0], "protocol", String(unit));
  } finally {
    globalThis.WebAssembly = WebAssembly;
  }
});

const UNITS = { accept: ['[[1,"news",{}]]', '[["rep",1,1,{}]]', '[["bin",1,"news",""]]'], heard: ["[]", '[["pong",1]]'] };
for (const [name, units] of Object.entries(UNITS)) test(`a trap in ${name}() ends the session as \`internal\`, whatever engine it is of`, { timeout: 10_000 }, async () => {
  for (const trap of [new Error("abort"), new TypeError("not a function"), new RangeError("stack"), new WebAssembly.RuntimeError("unreachable")]) {
    for (const unit of units) assert.deepEqual(await told(/** @type {any} */ (unit), async () => core(name, trap)), ["internal", "failed", trap], unit);
  }
  if (name === "accept") assert.deepEqual(await told('{"type":"news"}', async () => core(name, new Error("abort")), { dialect: "json" }).then(([code]) => code), "internal");
});
