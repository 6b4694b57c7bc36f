// The microphone's flow, whatever the browser answers and in whatever order.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Microphone } from "../../pkg/js/voice/microphone.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A browser that answers when it is told to, and a watch that says what it is told to. */
function world({ single = false } = {}) {
  const [asked, told, watches] = [[], [], []];
  const devices = {
    single,
    ask(device) {
      const stream = { device, released: 0 };
      stream.ready = new Promise((resolve, reject) => Object.assign(stream, { resolve, reject }));
      stream.release = () => stream.released++;
      asked.push(stream);
      return stream;
    },
  };
  const watch = () => {
    const made = { says: 0, freed: 0, turn: () => made.says, free: () => made.freed++ };
    watches.push(made);
    return made;
  };
  const on = {
    state: (state) => told.push(state),
    stream: ({ device }) => told.push(`from ${device || "any"}`),
    lost: ({ code }) => told.push(code),
  };
  return { microphone: new Microphone(devices, watch, on), asked, told, watches, on };
}

async function started(more) {
  const at = world(more);
  const start = at.microphone.start("");
  at.asked[0].resolve();
  await start;
  return at;
}
const say = (at, change) => {
  at.watches.at(-1).says = change;
  at.microphone.heard(0, 0);
  at.watches.at(-1).says = 0;
};
const refusal = (code) => Object.assign(new Error(code), { code });

test("starts at once are one question, and one answer", async () => {
  const { microphone, asked, told } = world();
  const starts = [microphone.start(""), microphone.start("")];
  assert.equal(asked.length, 1);
  asked[0].resolve();
  await Promise.all(starts);
  await microphone.start("");
  assert.deepEqual([asked.length, told], [1, ["asking", "from any", "on"]]);
});

test("a stream that comes after stop() is stopped at once", async () => {
  const { microphone, asked, told } = world();
  const start = microphone.start("");
  microphone.stop();
  assert.equal(asked[0].released, 1);
  await assert.rejects(start, { code: "aborted" });
  asked[0].resolve();
  await settled();
  assert.deepEqual(told, ["asking", "off"]);
  microphone.start("b");
  asked[1].resolve();
  await settled();
  assert.deepEqual(told.slice(2), ["asking", "from b", "on"]);
});

test("another device takes over before the first is let go; one that cannot be had changes nothing", async () => {
  const at = await started();
  const { microphone, asked, told, on } = at;
  const first = asked[0];
  on.stream = () => assert.equal(first.released, 0);
  const over = microphone.switch("b");
  asked[1].resolve();
  await over;
  assert.equal(first.released, 1);
  const denied = microphone.switch("c");
  asked[2].reject(refusal("mic_in_use"));
  await assert.rejects(denied, { code: "mic_in_use" });
  assert.deepEqual([asked[1].released, told.at(-1)], [0, "on"]);
  microphone.stop();
  assert.equal(asked[1].released, 1);
});

test("where a second stream would end the first, the first goes before", async () => {
  const { microphone, asked, told } = await started({ single: true });
  const over = microphone.switch("b");
  assert.equal(asked[0].released, 1);
  asked[1].reject(refusal("mic_in_use"));
  await assert.rejects(over, { code: "mic_in_use" });
  assert.equal(told.at(-1), "off");
});

test("a later wish takes the place of one that is not answered, for all who wait", async () => {
  const { microphone, asked, told } = world();
  const waits = [microphone.start("a"), microphone.start("b")];
  assert.equal(asked[0].released, 1);
  asked[0].resolve();
  await settled();
  assert.deepEqual(told, ["asking"]);
  asked[1].resolve();
  await Promise.all(waits);
  assert.deepEqual(told, ["asking", "from b", "on"]);
});

test("a chosen device that is gone gives way to any other", async () => {
  const { microphone, asked, told } = world();
  const start = microphone.start("gone");
  asked[0].reject(refusal("mic_constraint"));
  await settled();
  assert.deepEqual(asked.map(({ device }) => device), ["gone", ""]);
  asked[1].resolve();
  await start;
  assert.deepEqual(told, ["asking", "from any", "on"]);
});

test("a device that goes is replaced, or lost", async () => {
  const { microphone, asked, told } = await started();
  microphone.ended();
  microphone.ended();
  assert.deepEqual([asked.length, asked[0].released], [2, 1]);
  asked[1].resolve();
  await settled();
  microphone.ended();
  asked[2].reject(refusal("mic_not_found"));
  await settled();
  assert.deepEqual(told.slice(3), ["asking", "from any", "on", "asking", "off", "mic_lost"]);
});

test("a silent microphone is asked for once more, and is on when it hears", async () => {
  const at = await started();
  say(at, 1);
  say(at, 1);
  assert.equal(at.asked.length, 2);
  at.asked[1].resolve();
  await settled();
  assert.deepEqual([at.asked[0].released, at.told.slice(3)], [1, ["silent", "from any"]]);
  say(at, 2);
  assert.equal(at.told.at(-1), "on");
});

test("one that hears again while another is asked for is told", async () => {
  const at = await started();
  say(at, 1);
  say(at, 2);
  at.asked[1].reject(refusal("mic_in_use"));
  await settled();
  assert.deepEqual([at.asked[0].released, at.told.slice(3)], [0, ["silent", "on"]]);
});

test("a listener that stops it as it comes has stopped it", async () => {
  const at = world();
  at.on.stream = () => at.microphone.stop();
  at.microphone.start("").catch(() => {});
  at.asked[0].resolve();
  await settled();
  assert.deepEqual([at.asked[0].released, at.told], [1, ["asking", "off"]]);
  at.microphone.free();
  assert.ok(at.watches.every(({ freed }) => freed === 1));
});
