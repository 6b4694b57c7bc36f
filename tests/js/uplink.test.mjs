// The microphone's sound on its way to the session: in order with what is said between, merged where a POST is under way, and bounded.

import assert from "node:assert/strict";
import { test } from "node:test";

import { whyNoMicrophone } from "../../pkg/js/voice/errors.js";
import { Uplink } from "../../pkg/js/voice/uplink.js";
import { Wording } from "../../pkg/js/voice/wording.js";

const RATE = 16_000;
const FRAME = 320;

/** An uplink whose sends are decided by hand; frames are numbered. */
function uplink({ json = false } = {}) {
  const sent = [];
  const dropped = [];
  let frames = 0;
  const send = (type, payload) => new Promise((resolve, reject) => sent.push({ type, payload, resolve, reject }));
  const refused = [];
  const up = new Uplink(send, new Wording({}, json), { dropped: ({ ms }) => dropped.push(ms), arrived() {}, refused: ({ code }) => refused.push(code) });
  const speak = (count) => {
    for (let i = 0; i < count; i++) up.push(new Int16Array(FRAME).fill(frames++));
  };
  /** Numbers of the frames in each message of sound; other messages by their type. */
  const order = () => sent.map(({ type, payload }) => (payload instanceof Uint8Array ? framesOf(payload) : type));
  const settle = async () => {
    for (const { type, resolve } of sent) if (type === "audio") resolve();
    await new Promise(setImmediate);
  };
  return { up, sent, dropped, refused, speak, order, settle };
}

function framesOf(bytes) {
  const samples = new Int16Array(bytes.buffer);
  return Array.from({ length: samples.length / FRAME }, (_, i) => samples[i * FRAME]);
}

test("on a two-way link each frame goes at once, between the stream's start and stop", () => {
  const { up, sent, speak, order } = uplink();
  up.carriedBy("websocket");
  up.begin(false);
  speak(3);
  up.end();
  up.begin(true);
  assert.deepEqual(order(), ["audio:start", [0], [1], [2], "audio:stop", "audio:start"]);
  assert.deepEqual(sent.filter(({ type }) => type !== "audio").map(({ payload }) => payload), [
    { stream: 1, rate: RATE }, { stream: 1 }, { stream: 2, rate: RATE, rtp: true },
  ]);
});

test("words spoken before there is a link wait, and go in few messages once there is one", () => {
  const { up, speak, order } = uplink();
  up.begin(false);
  speak(40);
  assert.deepEqual(order(), []);
  up.carriedBy("websocket");
  const numbers = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
  assert.deepEqual(order(), ["audio:start", numbers(0, 25)]);
});

test("a two-way link has half a second on its way at the most, and the rest follows in order", async () => {
  const { up, speak, order, settle } = uplink();
  up.carriedBy("webrtc");
  up.begin(false);
  speak(60);
  assert.equal(order().flat().length, 26);
  await settle();
  await settle();
  assert.deepEqual(order().slice(1).flat(), Array.from({ length: 60 }, (_, i) => i));
});

for (const transport of ["sse", "long-poll"]) {
  test(`over ${transport}, what waits for a POST is merged, half a second at the most`, async () => {
    const { up, speak, order, settle } = uplink();
    up.carriedBy(transport);
    up.begin(false);
    speak(1);
    speak(10);
    await settle();
    speak(70);
    await settle();
    await settle();
    await settle();
    assert.deepEqual(order().slice(1).map((frames) => frames.length), [1, 10, 25, 25, 20]);
    assert.deepEqual(order().slice(1).flat(), Array.from({ length: 81 }, (_, i) => i));
  });
}

test("of more than two seconds the oldest goes, which both sides are told", async () => {
  const { up, sent, dropped, speak, order } = uplink();
  up.begin(false);
  speak(160);
  assert.deepEqual(dropped, [500, 500]);
  speak(10);
  up.carriedBy("sse");
  assert.deepEqual(dropped, [500, 500, 400]);
  assert.deepEqual(order().map((item) => (Array.isArray(item) ? item[0] : item)), ["audio:start", "audio:dropped", 70]);
  assert.deepEqual(sent[1].payload, { stream: 1, ms: 1_400 });
});

test("what is said before sound may go up waits, as it does without a link", () => {
  const { up, speak, order } = uplink();
  up.gate(false);
  up.carriedBy("websocket");
  up.begin(false);
  speak(2);
  assert.deepEqual(order(), []);
  up.gate(true);
  speak(1);
  assert.deepEqual(order(), ["audio:start", [0, 1], [2]]);
});

test("a send that fails does not stop what follows", async () => {
  const { up, sent, speak, order } = uplink();
  up.carriedBy("sse");
  up.begin(false);
  speak(2);
  sent[1].reject(new Error("gone"));
  await new Promise(setImmediate);
  assert.deepEqual(order(), ["audio:start", [0], [1]]);
});

test("where the server takes no sound, that is told once, and nothing more is sent over this link", async () => {
  const { up, sent, refused, speak } = uplink();
  up.carriedBy("sse");
  up.begin(false);
  speak(2);
  sent[1].reject(Object.assign(new Error("no such route"), { code: "not_found" }));
  await new Promise(setImmediate);
  speak(3);
  assert.deepEqual([sent.length, refused], [2, ["not_found"]]);
  up.carriedBy(null);
  up.carriedBy("websocket");
  speak(1);
  up.end();
  assert.deepEqual(sent.slice(2).map(({ type }) => type), ["audio", "audio:stop"]);
});

test("a dialect of plain JSON has the sound as base64", () => {
  const { up, sent } = uplink({ json: true });
  up.carriedBy("websocket");
  up.begin(false);
  up.push(Int16Array.of(1, -2));
  assert.deepEqual(sent[1].payload, { audio: Buffer.from([1, 0, 0xfe, 0xff]).toString("base64") });
});

test("every failure of getUserMedia has a code, and a refusal its reason", () => {
  const page = { secure: true, allowed: true };
  const codes = {
    NotAllowedError: "mic_denied", SecurityError: "mic_denied", NotFoundError: "mic_not_found", NotReadableError: "mic_in_use", AbortError: "mic_in_use",
    OverconstrainedError: "mic_constraint", TypeError: "mic_unsupported", SomethingElse: "mic_unsupported",
  };
  for (const [name, code] of Object.entries(codes)) assert.equal(whyNoMicrophone({ name }, page).code, code, name);
  const refused = (about) => whyNoMicrophone({ name: "NotAllowedError" }, { ...page, ...about }).more.details.sub;
  assert.equal(refused({ permission: "denied" }), "denied");
  assert.equal(refused({ permission: "prompt" }), "dismissed");
  assert.equal(refused({ allowed: false }), "policy");
  assert.equal(refused({ secure: false }), "insecure_context");
  assert.equal(whyNoMicrophone(new TypeError("no mediaDevices"), { ...page, secure: false }).code, "insecure_context");
  assert.deepEqual(whyNoMicrophone({ name: "OverconstrainedError", constraint: "deviceId" }, page).more.details, { constraint: "deviceId" });
});
