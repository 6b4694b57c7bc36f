// System D: minting a session, passing an offer on, ICE servers, and every way in which its backend fails.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { after, before, beforeEach, test } from "node:test";

import { get, post } from "./support/client.mjs";
import { sharedSystem, systemFor } from "./support/start.mjs";

const OFFER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
const ANSWER = "v=0\r\no=- 2 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
const BEARER = { Authorization: "Bearer clerk-one" };

/** What answers offers in the place of OpenAI, by `respond(request, response)`. */
const upstream = { asked: [], respond: undefined, address: undefined };
const server = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  const { method, url, headers } = request;
  upstream.asked.push({ method, url, type: headers["content-type"], authorization: headers.authorization, body });
  upstream.respond(request, response);
});

before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  upstream.address = `http://127.0.0.1:${server.address().port}/realtime`;
});
beforeEach(() => {
  upstream.asked = [];
  upstream.respond = (_, response) => response.writeHead(201, { "Content-Type": "application/sdp" }).end(ANSWER);
});
after(() => {
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

test("an offer goes to the upstream as application/sdp, and its answer comes back in JSON", async () => {
  const system = await sharedSystem("d", "--upstream", upstream.address);
  const { body: session } = await mint(system);
  const { status, body } = await post(`${system.url}/api/webrtc-exchange`, { sessionId: session.id, token: session.token, sdp: OFFER, model: "gpt-realtime-mini" });
  assert.deepEqual([status, body], [200, { sdp: ANSWER }]);
  const expected = { method: "POST", url: "/realtime?model=gpt-realtime-mini", type: "application/sdp", authorization: `Bearer ${session.token}`, body: OFFER };
  assert.deepEqual(upstream.asked, [expected]);
});

test("--upstream-key speaks for the server, and a model may be left out", async () => {
  const system = await sharedSystem("d", "--upstream", upstream.address, "--upstream-key", "dev-d");
  assert.equal((await exchange(system, { model: undefined })).status, 200);
  const [{ authorization, url }] = upstream.asked;
  assert.deepEqual([authorization, url], ["Bearer dev-d", "/realtime?model=gpt-realtime"]);
});

test("an exchange of another session, or of no offer, reaches no upstream", async () => {
  const system = await sharedSystem("d", "--upstream", upstream.address);
  assert.deepEqual(await outcome(exchange(system, { sessionId: "x" })), [404, "Session not found"]);
  assert.deepEqual(await outcome(exchange(system, { token: "ek_x" })), [401, "Unauthorized"]);
  for (const wrong of [{ sdp: "hello" }, { sdp: 7 }, { sdp: undefined }, { model: 7 }, { token: null }]) {
    assert.equal((await exchange(system, wrong)).status, 400, JSON.stringify(wrong));
  }
  assert.deepEqual(upstream.asked, []);
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
  const alone = await sharedSystem("d", "--upstream", "http://127.0.0.1:1/realtime");
  assert.deepEqual(await outcome(exchange(alone)), [502, "Upstream API error: not reached"]);
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
  assert.deepEqual(upstream.asked, []);
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
  assert.equal(upstream.asked[0].method, "OPTIONS");
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
