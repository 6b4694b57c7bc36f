// System C: sound over serverless functions, in bursts and cut off, and over the WebSockets that there may be instead.

import assert from "node:assert/strict";
import { test } from "node:test";

import { get, openSocket, openStream, post, refusal } from "./support/client.mjs";
import { sharedSystem, systemFor } from "./support/start.mjs";

const QUIET = ["--frames", "0"];
const SOUND = Buffer.from([0, 1, 254, 255, 128, 7]);
/** 20 ms of PCM16 mono at 24 kHz. */
const FRAME = 960;

async function start({ url }) {
  const { status, body } = await post(`${url}/api/start-session`, { prompt: "Tell me a story." });
  assert.equal(status, 200);
  return body;
}

const streamOf = ({ url }, sessionId, headers) => openStream(`${url}/api/audio-stream?sessionId=${sessionId}`, headers);
const upload = ({ url }, sessionId, audio) => post(`${url}/api/audio-upload`, { sessionId, audioData: audio.toString("base64") });

test("start-session tells the session and another host's WebSocket", async () => {
  const system = await sharedSystem("c", ...QUIET);
  const { sessionId, wsUrl, ...more } = await start(system);
  assert.deepEqual(more, {});
  assert.match(wsUrl, new RegExp(`^ws://127\\.0\\.0\\.1:\\d+/\\?sessionId=${sessionId}$`));
  assert.notEqual(new URL(wsUrl).port, new URL(system.url).port);
});

test("the WebSocket carries sound as bytes both ways, and base64 as it came", async () => {
  const system = await sharedSystem("c", ...QUIET);
  const { wsUrl } = await start(system);
  const socket = await openSocket(wsUrl);
  socket.say(SOUND);
  socket.say({ audio: SOUND.toString("base64") });
  assert.deepEqual(await socket.heard.until(Buffer.isBuffer), SOUND);
  await socket.heard.until(({ audio }) => audio === SOUND.toString("base64"));
  await socket.close();
});

test("the prompt's sound goes down the WebSocket, what came before it opened too", async () => {
  const system = await sharedSystem("c", "--frames", "10");
  const { sessionId, wsUrl } = await start(system);
  const socket = await openSocket(wsUrl);
  const frames = await socket.heard.first(10);
  assert.deepEqual(frames.map((frame) => frame.length), frames.map(() => FRAME));
  assert.equal(new Set(frames.map(String)).size > 1, true);
  assert.deepEqual((await upload(system, sessionId, SOUND)).body, { success: true });
  assert.deepEqual((await socket.heard.first(11))[10], SOUND);
  await socket.close();
});

test("sound goes up by POST and comes down as data: {\"audio\": …}", async () => {
  const system = await sharedSystem("c", ...QUIET);
  const { sessionId } = await start(system);
  const stream = await streamOf(system, sessionId);
  assert.equal(stream.status, 200);
  assert.equal(stream.headers.get("content-type"), "text/event-stream");
  assert.deepEqual((await upload(system, sessionId, SOUND)).body, { success: true });
  assert.deepEqual(await stream.events.first(1), [{ data: { audio: SOUND.toString("base64") } }]);
  stream.close();
});

test("the store's poll makes bursts of what is spoken evenly", async () => {
  const system = await sharedSystem("c", "--frames", "30");
  const stream = await streamOf(system, (await start(system)).sessionId);
  await stream.events.first(30);
  stream.close();
  assert.ok(stream.chunks.some((events) => events > 1), `${stream.chunks}`);
});

test("a function that is cut ends its stream; without ids the next one goes on with what nobody has taken", async () => {
  const system = await sharedSystem("c", "--frames", "30", "--cut", "0.25");
  const { sessionId } = await start(system);
  let count = 0;
  for (let streams = 0; count < 30; streams++) {
    assert.ok(streams < 12, `${count} of 30 frames`);
    const stream = await streamOf(system, sessionId);
    assert.equal(await stream.ended(), "ended");
    assert.ok(stream.events.all.every(({ id }) => id === undefined));
    count += stream.events.all.length;
  }
  assert.equal(count, 30);
});

test("with --ids a stream goes on after Last-Event-ID, and --reset cuts it as a killed function is cut", async () => {
  const system = await sharedSystem("c", "--frames", "20", "--cut", "0.25", "--reset", "--ids");
  const { sessionId } = await start(system);
  const ids = [];
  for (let streams = 0; ids.length < 20; streams++) {
    assert.ok(streams < 12, `${ids.length} of 20 frames`);
    const stream = await streamOf(system, sessionId, ids.length ? { "Last-Event-ID": ids.at(-1) } : {});
    assert.equal(await stream.ended(), "reset");
    ids.push(...stream.events.all.map(({ id }) => id));
  }
  assert.deepEqual(ids, Array.from({ length: 20 }, (_, at) => String(at + 1)));
});

test("with --ids what was sent is kept: by the query too, and from the start without either", async () => {
  const system = await sharedSystem("c", ...QUIET, "--ids");
  const { sessionId } = await start(system);
  for (const byte of [1, 2, 3]) await upload(system, sessionId, Buffer.from([byte]));
  const whole = await streamOf(system, sessionId);
  assert.deepEqual((await whole.events.first(3)).map(({ id }) => id), ["1", "2", "3"]);
  const later = await openStream(`${system.url}/api/audio-stream?sessionId=${sessionId}&lastEventId=2`);
  assert.deepEqual(await later.events.first(1), [{ id: "3", data: { audio: "Aw==" } }]);
  whole.close();
  later.close();
});

test("health is ok, or not yet with --unhealthy", async (t) => {
  const { url } = await systemFor(t, "c", "--unhealthy", "1");
  const { status, headers } = await get(`${url}/api/health`);
  assert.deepEqual([status, headers.get("retry-after")], [503, "1"]);
  assert.deepEqual((await get(`${url}/api/health`)).body, { status: "ok" });
});

test("the edge function answers 426 to what asks for no WebSocket, and takes what does", async () => {
  const system = await sharedSystem("c", "--deployment", "edge", "--frames", "3");
  const { status, headers } = await get(`${system.url}/api/edge`);
  assert.deepEqual([status, headers.get("upgrade")], [426, "websocket"]);
  const { sessionId, wsUrl } = await start(system);
  assert.equal(wsUrl, `${system.ws}/api/edge?sessionId=${sessionId}`);
  const socket = await openSocket(wsUrl);
  await socket.heard.first(3);
  await socket.close();
});

test("an edge function is cut too, another host's WebSocket is not", async () => {
  const system = await sharedSystem("c", "--cut", "0.1", ...QUIET);
  const { sessionId, wsUrl } = await start(system);
  const external = await openSocket(wsUrl);
  const edge = await openSocket(`${system.ws}/api/edge?sessionId=${sessionId}`);
  assert.equal(await edge.closed(), 1001);
  external.say({ audio: "AAAA" });
  await external.heard.until(({ audio }) => audio === "AAAA");
  await external.close();
});

test("--strip-upgrade answers 426 to those that ask too", async () => {
  const system = await sharedSystem("c", "--strip-upgrade", "--deployment", "edge", ...QUIET);
  assert.equal(await refusal((await start(system)).wsUrl), 426);
});

test("with --deployment sse there is no WebSocket to tell of", async () => {
  const system = await sharedSystem("c", "--deployment", "sse", ...QUIET);
  assert.equal((await start(system)).wsUrl, null);
});

test("what is wrong is refused, and only POST uploads", async () => {
  const system = await sharedSystem("c", ...QUIET);
  const { sessionId, wsUrl } = await start(system);
  const { status, headers } = await get(`${system.url}/api/audio-upload`);
  assert.deepEqual([status, headers.get("allow")], [405, "POST"]);
  assert.equal((await post(`${system.url}/api/start-session`, {})).status, 400);
  assert.equal((await post(`${system.url}/api/audio-upload`, { sessionId, audioData: { length: 1 } })).status, 400);
  assert.equal((await upload(system, "x", SOUND)).status, 404);
  assert.equal((await get(`${system.url}/api/audio-stream?sessionId=x`)).status, 404);
  assert.equal(await refusal(wsUrl.replace(sessionId, "x")), 404);
  const socket = await openSocket(wsUrl);
  for (const message of ["no JSON", "{}", '{"audio":1}']) socket.say(message);
  assert.deepEqual((await socket.heard.first(3)).map(({ error }) => typeof error), ["string", "string", "string"]);
  await socket.close();
});
