// System A: POST up and `EventSource` down, a WebSocket on the same port, and the three ways in which there is none.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";

import { get, openSocket, openStream, post, refusal, upgradeRequest } from "./support/client.mjs";
import { sharedSystem, systemFor } from "./support/start.mjs";

const API = "/api/interview-v2";
const SOUND = Buffer.from([0, 1, 254, 255, 128]);
const ofType = (type) => (message) => message.type === type;

async function openSession({ url }) {
  const { status, body } = await post(`${url}${API}/session`);
  assert.equal(status, 200);
  assert.match(body.sessionId, /^\S+$/);
  return body.sessionId;
}

test("a session is created by POST, and its first question waits for the stream", async () => {
  const system = await sharedSystem("a");
  const sessionId = await openSession(system);
  const stream = await openStream(`${system.url}${API}/stream?sessionId=${sessionId}`);
  assert.equal(stream.status, 200);
  assert.equal(stream.headers.get("content-type"), "text/event-stream");
  const [named, asked] = await stream.events.first(2);
  assert.deepEqual(named, { data: { type: "session", sessionId } });
  assert.equal(asked.data.type, "text");
  assert.notEqual(asked.data.text, "");
  stream.close();
});

test("text and audio go up by POST and are answered on the stream", async () => {
  const system = await sharedSystem("a");
  const sessionId = await openSession(system);
  const stream = await openStream(`${system.url}${API}/stream?sessionId=${sessionId}`);
  const [, first] = await stream.events.first(2);
  assert.deepEqual((await post(`${system.url}${API}/text`, { sessionId, text: "hi" })).body, { success: true });
  const audioData = SOUND.toString("base64");
  assert.deepEqual((await post(`${system.url}${API}/audio`, { sessionId, audioData })).body, { success: true });
  const [, , second, heard] = await stream.events.first(4);
  assert.equal(second.data.type, "text");
  assert.notEqual(second.data.text, first.data.text);
  assert.deepEqual(heard.data, { type: "audio", audio: audioData });
  stream.close();
});

test("what comes while nobody listens waits", async (t) => {
  const system = await systemFor(t, "a");
  const sessionId = await openSession(system);
  const address = `${system.url}${API}/stream?sessionId=${sessionId}`;
  const before = await openStream(address);
  await before.events.first(2);
  before.close();
  await system.log.until((line) => line.includes(`GET ${API}/stream 200`));
  await post(`${system.url}${API}/audio`, { sessionId, audioData: "AAAA" });
  const after = await openStream(address);
  const [, waited] = await after.events.first(2);
  assert.deepEqual(waited.data, { type: "audio", audio: "AAAA" });
  after.close();
});

test("the WebSocket of the same port carries the same session, sound as bytes", async () => {
  const system = await sharedSystem("a");
  const sessionId = await openSession(system);
  const socket = await openSocket(`${system.ws}${API}/ws?sessionId=${sessionId}`);
  assert.deepEqual((await socket.heard.first(1))[0], { type: "session", sessionId });
  socket.say(SOUND);
  assert.deepEqual(await socket.heard.until(Buffer.isBuffer), SOUND);
  socket.say({ type: "audio", audio: "AAAA" });
  await socket.heard.until((message) => Buffer.isBuffer(message) && message.equals(Buffer.alloc(3)));
  const count = socket.heard.all.length;
  socket.say({ type: "text", text: "hi" });
  await socket.heard.until(ofType("text"), count);
  await post(`${system.url}${API}/text`, { sessionId, text: "by POST" });
  await socket.heard.until(ofType("text"), count + 1);
  assert.equal(await socket.close(), 1005);
});

test("a WebSocket without a session gets one, one of an unknown session is refused", async () => {
  const system = await sharedSystem("a");
  const socket = await openSocket(`${system.ws}${API}/ws`);
  const { sessionId } = await socket.heard.until(ofType("session"));
  assert.equal((await post(`${system.url}${API}/text`, { sessionId, text: "hi" })).status, 200);
  await socket.close();
  assert.equal(await refusal(`${system.ws}${API}/ws?sessionId=nobody`), 404);
});

test("what is neither text nor audio is answered by an error on the WebSocket", async () => {
  const system = await sharedSystem("a");
  const socket = await openSocket(`${system.ws}${API}/ws`);
  const wrong = ["no JSON", "null", "[]", '{"type":"text"}', '{"type":"text","text":1}', '{"type":"audio","audio":"%"}', '{"type":"?"}'];
  for (const message of wrong) socket.say(message);
  const answers = (await socket.heard.first(2 + wrong.length)).slice(2);
  assert.deepEqual(answers.map(({ type }) => type), wrong.map(() => "error"));
  await socket.close();
});

test("POSTs of an unknown session, or of something else, are refused", async () => {
  const { url } = await sharedSystem("a");
  const sessionId = await openSession({ url });
  assert.deepEqual(await outcome(post(`${url}${API}/text`, { sessionId: "x", text: "hi" })), [404, "Session not found"]);
  assert.deepEqual(await outcome(post(`${url}${API}/audio`, { sessionId, audioData: "%" })), [400, "audioData must be base64"]);
  assert.deepEqual(await outcome(post(`${url}${API}/text`, { sessionId, text: 7 })), [400, "text must be a text"]);
  assert.deepEqual(await outcome(get(`${url}${API}/stream?sessionId=x`)), [404, "Session not found"]);
  assert.deepEqual(await outcome(get(`${url}${API}/stream`)), [404, "Session not found"]);
});

test("--http-only has no route for a WebSocket: 404, and all else works", async (t) => {
  const system = await systemFor(t, "a", "--http-only");
  assert.equal(await refusal(`${system.ws}${API}/ws`), 404);
  assert.equal((await get(`${system.url}${API}/ws`)).status, 404);
  await openSession(system);
});

test("--upgrade-required answers an upgrade with 426, as it does a plain GET", async (t) => {
  const system = await systemFor(t, "a", "--upgrade-required");
  assert.equal(await refusal(`${system.ws}${API}/ws`), 426);
  const { status, headers } = await get(`${system.url}${API}/ws`);
  assert.deepEqual([status, headers.get("upgrade")], [426, "websocket"]);
  await openSession(system);
});

test("--hang never answers an upgrade, and all else works", async (t) => {
  const system = await systemFor(t, "a", "--hang");
  const { port, hostname } = new URL(system.url);
  const socket = connect(Number(port), hostname);
  const came = [];
  for (const what of ["data", "end", "close"]) socket.on(what, () => came.push(what));
  socket.write(upgradeRequest(`${API}/ws`));
  await system.log.until((line) => line.endsWith(`upgrade ${API}/ws`));
  for (let requests = 0; requests < 20; requests++) await openSession(system);
  assert.deepEqual(came, []);
  socket.resetAndDestroy();
  await openSession(system);
  assert.deepEqual(await system.stop(), { code: 0, signal: null });
});

async function outcome(answer) {
  const { status, body } = await answer;
  return [status, body.error];
}
