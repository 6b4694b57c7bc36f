// System B: every message of the typed interview protocol, every error of it, and the echo server before it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { get, openSocket, refusal } from "./support/client.mjs";
import { sharedSystem, systemFor } from "./support/start.mjs";

const FAST = ["--delay-scale", "0.01"];
/** So slow that nothing which is delayed comes within a test. */
const NEVER = ["--delay-scale", "1000"];
const ofType = (type) => (message) => message.type === type;

async function start(system) {
  const socket = await openSocket(`${system.ws}/ws`);
  socket.say({ type: "START_INTERVIEW" });
  const { sessionId } = await socket.heard.until(ofType("SESSION_CREATED"));
  return { socket, sessionId };
}

/** Sends something that is answered at once, and returns what had come before the answer. */
async function sofar({ heard, say }) {
  say({ type: "PING_FOR_ORDER" });
  await heard.until(({ message }) => message === "Unknown message type: PING_FOR_ORDER");
  return heard.all.slice(0, -1);
}

test("an interview from its start to its end", async () => {
  const system = await sharedSystem("b", ...FAST);
  const socket = await openSocket(`${system.ws}/ws`);
  socket.say({ type: "START_INTERVIEW", interviewId: "one" });
  const [created, first] = await socket.heard.first(2);
  const { sessionId } = created;
  assert.deepEqual(created, { type: "SESSION_CREATED", sessionId });
  assert.match(sessionId, /^session-/);
  assert.deepEqual(Object.keys(first), ["type", "id", "text", "timestamp"]);
  assert.equal(first.type, "AI_MESSAGE");
  assert.equal(new Date(first.timestamp).toISOString(), first.timestamp);

  socket.say({ type: "USER_MESSAGE", sessionId, text: "I build things." });
  const [on, off, next] = (await socket.heard.first(5)).slice(2);
  assert.deepEqual(on, { type: "TYPING_INDICATOR", isTyping: true });
  assert.deepEqual(off, { type: "TYPING_INDICATOR", isTyping: false });
  assert.equal(next.type, "AI_MESSAGE");
  assert.notEqual(next.id, first.id);
  assert.notEqual(next.text, first.text);

  socket.say({ type: "PAUSE_INTERVIEW", sessionId });
  socket.say({ type: "RESUME_INTERVIEW", sessionId });
  socket.say({ type: "END_INTERVIEW", sessionId });
  assert.deepEqual((await socket.heard.first(8)).slice(5), [
    { type: "INTERVIEW_PAUSED", sessionId },
    { type: "INTERVIEW_RESUMED", sessionId },
    { type: "INTERVIEW_ENDED", sessionId, resultsUrl: `/results/${sessionId}` },
  ]);
  socket.say({ type: "USER_MESSAGE", sessionId, text: "still there?" });
  const error = `Session ${sessionId} not found`;
  assert.deepEqual((await socket.heard.first(9))[8], { type: "ERROR", error, message: error });
  await socket.close();
});

test("types are understood in any case", async () => {
  const system = await sharedSystem("b", ...FAST);
  const socket = await openSocket(`${system.ws}/ws`);
  socket.say({ type: "start_interview" });
  const { sessionId } = await socket.heard.until(ofType("SESSION_CREATED"));
  socket.say({ type: "Pause_Interview", sessionId });
  await socket.heard.until(ofType("INTERVIEW_PAUSED"));
  await socket.close();
});

test("SESSION_CREATED comes at once, the first question later and unasked", async () => {
  const system = await sharedSystem("b", ...NEVER);
  const { socket, sessionId } = await start(system);
  assert.deepEqual((await sofar(socket)).map(({ type }) => type), ["SESSION_CREATED"]);
  socket.say({ type: "USER_MESSAGE", sessionId, text: "hi" });
  await socket.heard.until(({ isTyping }) => isTyping === true);
  assert.ok(!socket.heard.all.some(ofType("AI_MESSAGE")));
  await socket.close();
});

test("what no session, no type and no message is gets its own error", async () => {
  const system = await sharedSystem("b", ...NEVER);
  const { socket, sessionId } = await start(system);
  const failed = "Failed to process message";
  const cases = [
    [{ type: "USER_MESSAGE", sessionId: "x", text: "hi" }, "Session x not found"],
    [{ type: "PAUSE_INTERVIEW", sessionId: "x" }, "Session x not found"],
    [{ type: "RESUME_INTERVIEW", sessionId: "x" }, "Session x not found"],
    [{ type: "END_INTERVIEW" }, "Session undefined not found"],
    [{ type: "END_INTERVIEW", sessionId: { toString: 1, valueOf: 1 } }, 'Session {"toString":1,"valueOf":1} not found'],
    [{ type: "WHAT" }, "Unknown message type"],
    [{ type: "constructor" }, "Unknown message type"],
    [{ type: "" }, "Unknown message type"],
    [{ type: "USER_MESSAGE", sessionId }, failed],
    [{ type: "USER_MESSAGE", sessionId, text: 7 }, failed],
    [{ type: 7 }, failed],
    [{}, failed],
    ["null", failed],
    ["[1]", failed],
    ["not JSON", failed],
    ["", failed],
    [Buffer.from('{"type":"START_INTERVIEW"}'), failed],
  ];
  for (const [message] of cases) socket.say(message);
  const answers = (await socket.heard.first(1 + cases.length)).slice(1);
  assert.deepEqual(answers.map(({ type }) => type), cases.map(() => "ERROR"));
  assert.deepEqual(answers.map(({ error }) => error), cases.map(([, error]) => error));
  assert.ok(answers.every(({ message }) => typeof message === "string" && message));
  await socket.close();
});

test("a paused interview takes no answers", async () => {
  const system = await sharedSystem("b", ...NEVER);
  const { socket, sessionId } = await start(system);
  for (const type of ["PAUSE_INTERVIEW", "USER_MESSAGE", "RESUME_INTERVIEW", "USER_MESSAGE"]) socket.say({ type, sessionId, text: "hi" });
  const types = (await socket.heard.first(5)).map(({ type }) => type);
  assert.deepEqual(types, ["SESSION_CREATED", "INTERVIEW_PAUSED", "ERROR", "INTERVIEW_RESUMED", "TYPING_INDICATOR"]);
  await socket.close();
});

test("a session is known on another WebSocket, and each start makes its own", async () => {
  const system = await sharedSystem("b", ...FAST);
  const { socket, sessionId } = await start(system);
  await socket.close();
  const other = await start(system);
  assert.notEqual(other.sessionId, sessionId);
  other.socket.say({ type: "PAUSE_INTERVIEW", sessionId });
  assert.deepEqual(await other.socket.heard.until(ofType("INTERVIEW_PAUSED")), { type: "INTERVIEW_PAUSED", sessionId });
  await other.socket.close();
});

test("--echo sends everything back", async (t) => {
  const system = await systemFor(t, "b", "--echo");
  const socket = await openSocket(`${system.ws}/ws`);
  const messages = ["hi", "", '{"type":"START_INTERVIEW"}'];
  for (const message of messages) socket.say(message);
  assert.deepEqual(await socket.heard.first(3), messages.map((message) => ({ type: "echo", message })));
  await socket.close();
});

test("there is a WebSocket at /ws alone", async () => {
  const system = await sharedSystem("b", ...FAST);
  assert.equal(await refusal(`${system.ws}/`), 404);
  assert.equal((await get(`${system.url}/ws`)).status, 426);
  assert.equal((await get(`${system.url}/`)).status, 404);
});
