// The servers as programs: how they start and end, and that nothing which comes from outside makes them throw.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { ask, get, openSocket, post, raw, upgradeRequest } from "./support/client.mjs";
import { startSystem } from "./support/start.mjs";

/** Each one's routes by method, and the address of its WebSocket. */
const SYSTEMS = {
  a: { POST: ["/api/interview-v2/session", "/api/interview-v2/text", "/api/interview-v2/audio"], GET: ["/api/interview-v2/stream"], socket: ({ ws }) => `${ws}/api/interview-v2/ws` },
  b: { POST: [], GET: [], socket: ({ ws }) => `${ws}/ws` },
  c: { POST: ["/api/start-session", "/api/audio-upload"], GET: ["/api/audio-stream", "/api/health"], socket: async ({ url }) => (await post(`${url}/api/start-session`, { prompt: "?" })).body.wsUrl },
  d: { POST: ["/api/realtime-session", "/api/webrtc-exchange"], GET: ["/api/ice-servers", "/api/xirsys-ice-servers", "/api/diagnostic/webrtc-test"] },
  e: { POST: ["/api/debug/emit-comment"], GET: ["/api/shows/7/stream", "/api/shows/7/events", "/api/clients"] },
  gemini: { POST: [], GET: [] },
};
const BEARER = { Authorization: "Bearer operator" };
const LARGEST = 1 << 20;

for (const [name, { POST, GET, socket }] of Object.entries(SYSTEMS)) {
  test(`system ${name} keeps its temper, and ends when it is asked to`, async (t) => {
    const system = await startSystem(name);
    t.after(() => system.stop());
    await t.test("wrong methods", () => wrongMethods(system, POST, GET));
    await t.test("wrong bodies", () => wrongBodies(system, POST));
    await t.test("what is no HTTP", () => noHttp(system));
    if (socket) await t.test("what is no message", async () => noMessages(await socket(system)));
    await t.test("pages of other origins may ask", () => crossOrigin(system));
    const { status, body } = await get(`${system.url}/nothing`);
    assert.deepEqual([status, body], [404, { error: "Not found" }]);
    assert.deepEqual(await system.stop(), { code: 0, signal: null });
    assert.deepEqual(system.log.all.filter((line) => /^\s+at | 500$/.test(line)), []);
  });
}

async function wrongMethods({ url }, POST, GET) {
  for (const [paths, allowed] of [[POST, "POST"], [GET, "GET"]]) {
    for (const path of paths) {
      for (const method of ["GET", "POST", "PUT", "DELETE", "PATCH"].filter((method) => method !== allowed)) {
        const { status, headers } = await ask(method, url + path, { headers: BEARER });
        assert.deepEqual([status, headers.get("allow")], [405, allowed], `${method} ${path}`);
      }
    }
  }
}

async function wrongBodies({ url }, POST) {
  for (const path of POST) {
    for (const body of ["null", "[]", "7", "not JSON", '{"a":', "\0"]) {
      assert.equal((await post(url + path, body, BEARER)).status, 400, `${path} ${JSON.stringify(body)}`);
    }
    const { status, body } = await post(url + path, `{"text":"${"x".repeat(LARGEST)}"}`, BEARER);
    assert.deepEqual([status, body], [413, { error: "Body too large" }], path);
  }
}

/** Bytes that no client sends. Whether they are answered or reset is all the same; the server has to stay. */
async function noHttp(system) {
  const writes = [
    "\0\x01\x02\r\n\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    "GET // HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /api/shows/%zz/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer operator\r\nConnection: close\r\n\r\n",
    "POST /api/debug/emit-comment HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    `GET / HTTP/1.1\r\nX: ${"x".repeat(40_000)}\r\n\r\n`,
    upgradeRequest("/nothing"),
    upgradeRequest("//"),
    upgradeRequest("/ws").replace("Sec-WebSocket-Key", "Other"),
    upgradeRequest("/ws").replace("Upgrade: websocket", "Upgrade: h2c"),
    "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
  ];
  for (const write of writes) await raw(system.url, write);
  assert.equal((await get(`${system.url}/nothing`)).status, 404);
}

async function noMessages(address) {
  const frames = { "an unknown opcode": [0x83, 0x80, 0, 0, 0, 0], "broken UTF-8": [0x81, 0x81, 0, 0, 0, 0, 0xff], "no mask": [0x81, 0x01, 0x41], "too much": [0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0] };
  for (const [what, bytes] of Object.entries(frames)) {
    const { ws, closed } = await openSocket(address);
    ws._socket.write(Buffer.from(bytes));
    assert.ok([1002, 1006, 1007, 1009].includes(await closed()), what);
  }
  const { ws, heard } = await openSocket(address);
  for (const text of ["", "null", "{", "7", '"x"', "[[]]", '{"type":null}', '{"type":{"toUpperCase":1}}', '{"type":"__proto__"}']) ws.send(text);
  ws.send(Buffer.alloc(0));
  ws.send(JSON.stringify({ type: "START_INTERVIEW" }));
  await heard.until((message) => message.type === "SESSION_CREATED" || message.error);
  ws.terminate();
  const { close } = await openSocket(address);
  await close();
}

async function crossOrigin({ url }) {
  const headers = { Origin: "http://127.0.0.1:9", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type,last-event-id" };
  const preflight = await ask("OPTIONS", `${url}/api/anything`, { headers });
  assert.equal(preflight.status, 204);
  for (const name of ["Authorization", "Content-Type", "Last-Event-ID"]) assert.ok(preflight.headers.get("access-control-allow-headers").includes(name));
  assert.equal((await get(`${url}/nothing`)).headers.get("access-control-allow-origin"), "*");
}

test("what an option cannot be is told, with the options there are", async () => {
  const cases = [["a", "--nope"], ["b", "--delay-scale", "x"], ["c", "--cut", "-1"], ["c", "--deployment", "moon"], ["d", "--fail", "500"], ["d", "--at", "moon"], ["d", "--ice-servers", "{}"], ["d", "--upstream", "x"], ["e", "more"]];
  const runs = await Promise.all(cases.map((flags) => run(...flags)));
  for (const [at, { code, output }] of runs.entries()) {
    assert.equal(code, 2, cases[at].join(" "));
    assert.ok(output && !/^\s+at /m.test(output), output);
  }
});

test("system b listens on 5000, and on 5001 where it is tested", async () => {
  // Where the port is taken it says so, and so it does which one it is.
  for (const [port, flags, env] of [[5000, [], {}], [5001, ["--test"], {}], [5001, [], { NODE_ENV: "test" }]]) {
    const child = start(["b", ...flags], env);
    const [said] = await Promise.race([once(child.stdout, "data"), once(child.stderr, "data")]);
    assert.match(String(said), new RegExp(`127\\.0\\.0\\.1:${port}\\b`));
    child.kill("SIGTERM");
    if (child.exitCode === null) await once(child, "exit");
  }
});

async function run(...flags) {
  const child = start(flags);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const [code] = await once(child, "close");
  return { code, output };
}

function start([name, ...flags], env = {}) {
  const program = fileURLToPath(new URL(`../../www/servers/${name}.mjs`, import.meta.url));
  return spawn(process.execPath, [program, ...flags], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NODE_ENV: "", ...env } });
}
