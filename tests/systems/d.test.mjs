// System D: minting a session, passing an offer or events on, ICE servers, and every way in which its backend fails.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { after, before, beforeEach, test } from "node:test";

import { WebSocketServer } from "ws";

import { get, openSocket, post, refusal } from "./support/client.mjs";
import { sharedSystem, systemFor } from "./support/start.mjs";

const OFFER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
const ANSWER = "v=0\r\no=- 2 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
const BEARER = { Authorization: "Bearer clerk-one" };

/** What stands in for OpenAI: offers are answered by `respond(request, response)`, tokens are minted by `mint` of the same form. */
const upstream = { asked: [], respond: undefined, mint: undefined, sockets: undefined, address: undefined };
let minted = 0;
const server = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  const { method, url, headers } = request;
  upstream.asked.push({ method, url, type: headers["content-type"], authorization: headers.authorization, body });
  if (/\/(client_secrets|sessions)$/.test(url)) upstream.mint(request, response);
  else upstream.respond(request, response);
});
upstream.sockets = new WebSocketServer({ server });

before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  upstream.address = `http://127.0.0.1:${server.address().port}/v1`;
});
beforeEach(() => {
  upstream.asked = [];
  upstream.mint = (_, response) => response.end(JSON.stringify({ value: `ek_${++minted}`, expires_at: 0, session: {} }));
  upstream.respond = (_, response) => response.writeHead(201, { "Content-Type": "application/sdp" }).end(ANSWER);
});
after(() => {
  for (const ws of upstream.sockets.clients) ws.terminate();
  server.closeAllConnections();
  server.close();
});

const mint = ({ url }, headers = BEARER) => post(`${url}/api/realtime-session`, { jobTitle: "Engineer" }, headers);

async function exchange(system, change = {}) {
  const { body } = await mint(system);
  return post(`${system.url}/api/webrtc-exchange`, { sessionId: body.id, token: body.token, sdp: OFFER, model: "gpt-realtime-mini", ...change });
}

test("a session is minted for who has a token", async () => {
  const system = await sharedSystem("d");
  const { status, body } = await mint(system);
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(body), ["id", "token"]);
  assert.match(body.id, /^sess_/);
  assert.match(body.token, /^ek_/);
  assert.notEqual((await mint(system)).body.token, body.token);
  for (const headers of [{}, { Authorization: "Bearer " }, { Authorization: "Basic eDp5" }]) {
    assert.deepEqual(await outcome(mint(system, headers)), [401, "Unauthorized"]);
  }
});

test("a token that is older than --token-life is refused, a fresh one is not", async (t) => {
  const system = await systemFor(t, "d", "--token-life", "0");
  await mint(system);
  await until(async () => (await mint(system)).status === 401);
  assert.equal((await mint(system, { Authorization: "Bearer clerk-two" })).status, 200);
});

test("a session is minted at the upstream with the server's key, for this job", async () => {
  const system = await sharedSystem("d", "--upstream", upstream.address, "--upstream-key", "sk-server");
  const { body } = await mint(system);
  assert.equal(body.token, `ek_${minted}`);
  const [{ method, url, type, authorization, body: asked }] = upstream.asked;
  assert.deepEqual([method, url, type, authorization], ["POST", "/v1/realtime/client_secrets", "application/json", "Bearer sk-server"]);
  const { session } = JSON.parse(asked);
  assert.equal(session.type, "realtime");
  assert.match(session.instructions, /Engineer/);
});

test("--upstream-names older mints as it was done before", async () => {
  const system = await sharedSystem("d", "--upstream", upstream.address, "--upstream-names", "older");
  upstream.mint = (_, response) => response.end(JSON.stringify({ id: "sess_1", client_secret: { value: "ek_older", expires_at: 0 } }));
  assert.equal((await mint(system)).body.token, "ek_older");
  const [{ url, body }] = upstream.asked;
  assert.equal(url, "/v1/realtime/sessions");
  assert.deepEqual(Object.keys(JSON.parse(body)), ["model", "instructions", "input_audio_transcription"]);
});

test("an upstream that mints nothing is a 502", async () => {
  const system = await sharedSystem("d", "--upstream", upstream.address);
  const responses = [
    [(response) => response.writeHead(401).end("{}"), "Upstream API error: 401"],
    [(response) => response.end("<html>"), "Upstream API error: there is no token in the answer"],
    [(response) => response.end("{}"), "Upstream API error: there is no token in the answer"],
    [(response) => response.destroy(), "Upstream API error: not reached"],
  ];
  for (const [respond, error] of responses) {
    upstream.mint = (_, response) => respond(response);
    assert.deepEqual(await outcome(mint(system)), [502, error]);
  }
});

test("an offer goes to the upstream as application/sdp with the session's token, and its answer comes back in JSON", async () => {
  const system = await sharedSystem("d", "--upstream", upstream.address);
  const { body: session } = await mint(system);
  upstream.asked = [];
  const sent = { sessionId: session.id, token: session.token, sdp: OFFER };
  const { status, body } = await post(`${system.url}/api/webrtc-exchange`, { ...sent, model: "gpt-realtime-mini" });
  assert.deepEqual([status, body], [200, { sdp: ANSWER }]);
  const expected = { method: "POST", type: "application/sdp", authorization: `Bearer ${session.token}`, body: OFFER };
  assert.deepEqual(upstream.asked, [{ ...expected, url: "/v1/realtime/calls?model=gpt-realtime-mini" }]);
  assert.equal((await post(`${system.url}/api/webrtc-exchange`, sent)).status, 200);
  assert.equal(upstream.asked[1].url, "/v1/realtime/calls?model=gpt-realtime");
});

test("a WebSocket passes events on both ways, with the session's token, and ends with either side", async () => {
  const system = await sharedSystem("d", "--upstream", upstream.address);
  const { body: session } = await mint(system);
  const arrived = once(upstream.sockets, "connection");
  upstream.sockets.once("connection", (ws) => ws.send('{"type":"session.created"}'));
  const page = await openSocket(`${system.ws}/api/realtime?sessionId=${session.id}`);
  const [far, request] = await arrived;
  assert.deepEqual([request.url, request.headers.authorization], ["/v1/realtime?model=gpt-realtime", `Bearer ${session.token}`]);
  page.say({ type: "response.create" });
  assert.equal(`${(await once(far, "message"))[0]}`, '{"type":"response.create"}');
  far.send('{"type":"response.created"}');
  assert.deepEqual(await page.heard.first(2), [{ type: "session.created" }, { type: "response.created" }]);
  far.close(1001, "session_expired");
  assert.equal(await page.closed(), 1001);

  const next = once(upstream.sockets, "connection");
  const again = await openSocket(`${system.ws}/api/realtime?sessionId=${session.id}`);
  const [other] = await next;
  const gone = once(other, "close");
  again.ws.terminate();
  await gone;
});

test("a WebSocket of no session, or without an upstream, is refused", async (t) => {
  const system = await sharedSystem("d", "--upstream", upstream.address);
  assert.equal(await refusal(`${system.ws}/api/realtime?sessionId=sess_x`), 404);
  assert.equal(await refusal(`${system.ws}/api/realtime`), 404);
  const alone = await sharedSystem("d");
  const { body } = await mint(alone);
  assert.equal(await refusal(`${alone.ws}/api/realtime?sessionId=${body.id}`), 502);
  const failing = await systemFor(t, "d", "--upstream", upstream.address, "--fail", "503", "--at", "relay");
  const { body: session } = await mint(failing);
  assert.equal(await refusal(`${failing.ws}/api/realtime?sessionId=${session.id}`), 503);
  const open = await openSocket(`${failing.ws}/api/realtime?sessionId=${session.id}`);
  assert.equal(await open.close(), 1005);
});

test("an exchange of another session, or of no offer, reaches no upstream", async () => {
  const system = await sharedSystem("d", "--upstream", upstream.address);
  assert.deepEqual(await outcome(exchange(system, { sessionId: "x" })), [404, "Session not found"]);
  assert.deepEqual(await outcome(exchange(system, { token: "ek_x" })), [401, "Unauthorized"]);
  for (const wrong of [{ sdp: "hello" }, { sdp: 7 }, { sdp: undefined }, { model: 7 }, { token: null }]) {
    assert.equal((await exchange(system, wrong)).status, 400, JSON.stringify(wrong));
  }
  assert.ok(upstream.asked.every(({ url }) => url.endsWith("/client_secrets")));
});

test("an upstream that refuses, answers something else, breaks off or is not there is a 502", async () => {
  const system = await sharedSystem("d", "--upstream", upstream.address);
  const responses = [
    [(response) => response.writeHead(401).end("{}"), "Upstream API error: 401"],
    [(response) => response.writeHead(200).end("<html>"), "Upstream API error: the answer is no session description"],
    [(response) => response.destroy(), "Upstream API error: not reached"],
    [(response) => response.writeHead(201).write("v=0", () => response.destroy()), "Upstream API error: not reached"],
  ];
  for (const [respond, error] of responses) {
    upstream.respond = (_, response) => respond(response);
    assert.deepEqual(await outcome(exchange(system)), [502, error]);
  }
  const alone = await sharedSystem("d", "--upstream", "http://127.0.0.1:1/v1");
  assert.deepEqual(await outcome(mint(alone)), [502, "Upstream API error: not reached"]);
  assert.deepEqual(await outcome(exchange(await sharedSystem("d"))), [502, "Upstream API error: there is none"]);
});

test("an upstream that does not answer in time is a 504", async (t) => {
  upstream.respond = () => {};
  const system = await systemFor(t, "d", "--upstream", upstream.address, "--upstream-timeout", "50");
  assert.deepEqual(await outcome(exchange(system)), [504, "Timed out"]);
});

for (const [status, error, place] of [[503, "Database unavailable", "session"], [502, "Upstream API error", "exchange"], [504, "Timed out", "exchange"]]) {
  test(`--fail ${status} fails the ${place} so many times`, async (t) => {
      const system = await systemFor(t, "d", "--upstream", upstream.address, "--fail", `${status}`, "--times", "2");
    const once = () => (place === "session" ? mint(system) : exchange(system));
    assert.deepEqual(await outcome(once()), [status, error]);
    assert.deepEqual(await outcome(once()), [status, error]);
    assert.equal((await once()).status, 200);
  });
}

test("--at says where it fails, and where it is slow", async (t) => {
  const failing = await systemFor(t, "d", "--fail", "504", "--at", "session");
  assert.deepEqual(await outcome(mint(failing)), [504, "Timed out"]);
  const slow = await systemFor(t, "d", "--upstream", upstream.address, "--slow", "60000", "--at", "exchange", "--upstream-timeout", "50");
  assert.deepEqual(await outcome(exchange(slow)), [504, "Timed out"]);
  assert.equal(upstream.asked.length, 1);
});

test("--slow is in time, or is a 504", async (t) => {
  assert.equal((await mint(await systemFor(t, "d", "--slow", "20"))).status, 200);
  assert.deepEqual(await outcome(mint(await systemFor(t, "d", "--slow", "60000", "--session-timeout", "50"))), [504, "Timed out"]);
});

test("ICE servers come as a list, and as Xirsys spells them", async () => {
  const turn = { urls: ["turn:127.0.0.1:3479?transport=udp", "turn:127.0.0.1:3479?transport=tcp"], username: "u", credential: "c" };
  const servers = [{ urls: "stun:127.0.0.1:3479" }, turn];
  const { url } = await sharedSystem("d", "--ice-servers", JSON.stringify(servers));
  assert.deepEqual((await get(`${url}/api/ice-servers`)).body, { iceServers: servers });
  const merged = { username: "u", credential: "c", urls: ["stun:127.0.0.1:3479", ...turn.urls] };
  assert.deepEqual((await get(`${url}/api/xirsys-ice-servers`)).body, { v: { iceServers: merged }, s: "ok" });
  const plain = await sharedSystem("d");
  assert.deepEqual((await get(`${plain.url}/api/xirsys-ice-servers`)).body.v.iceServers, { urls: ["stun:127.0.0.1:3478"] });
});

test("the diagnostic route tells whether the upstream is reached", async (t) => {
  upstream.respond = (_, response) => response.writeHead(204).end();
  const system = await systemFor(t, "d", "--upstream", upstream.address);
  await mint(system);
  const { status, body } = await get(`${system.url}/api/diagnostic/webrtc-test`);
  assert.equal(status, 200);
  assert.deepEqual([body.ok, body.upstream.reachable, body.upstream.status, body.iceServers, body.sessions], [true, true, 204, 1, 1]);
  assert.equal(upstream.asked.at(-1).method, "OPTIONS");
  const alone = (await get(`${(await systemFor(t, "d")).url}/api/diagnostic/webrtc-test`)).body;
  assert.deepEqual([alone.ok, alone.upstream.reachable, alone.upstream.error], [false, false, "Upstream API error: there is none"]);
});

async function outcome(answer) {
  const { status, body } = await answer;
  return [status, body.error];
}

async function until(holds) {
  for (let tries = 0; !(await holds()); tries++) if (tries === 200) throw new Error(`never: ${holds}`);
}
