// How sound is written and read: in the dialect's own messages, and in those that an app says its server has.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Listeners } from "../../pkg/js/listeners.js";
import { checkAudio } from "../../pkg/js/voice/audio.js";
import { PlainWording } from "../../pkg/js/voice/plain.js";
import { Wording } from "../../pkg/js/voice/wording.js";

/** What a wording tells of messages: each as its type and what it holds. */
function heard(wording, ...messages) {
  const told = [];
  const listeners = new Listeners();
  const note = (name) => (...args) => told.push([name, ...args.filter((arg) => arg !== undefined)]);
  wording.listen(listeners, Object.fromEntries(["begin", "hear", "finish", "flush", "speech", "gate"].map((name) => [name, note(name)])));
  for (const [type, payload] of messages) listeners.message(type, payload);
  return told;
}

const PCM = Uint8Array.of(1, 2);

test("the dialect's own messages are read, whatever they lack", () => {
  const told = heard(
    new Wording({ names: { audio: "sound" } }, true),
    ["audio:start", { stream: 3, rate: 8_000 }], ["audio:start", null], ["sound", PCM], ["sound", { audio: "AQI=" }], ["sound", undefined], ["audio:end", { stream: 3 }],
    ["audio:flush", undefined], ["speech", { speaking: 1 }], ["audio", PCM],
  );
  assert.deepEqual(told, [["begin", { stream: 3, rate: 8_000 }], ["begin", {}], ["hear", PCM], ["hear", "AQI="], ["hear", ""], ["finish", 3], ["flush"], ["speech", true]]);
});

test("a plain server's sound is found in a member, in bytes, or by a function", () => {
  const wording = new PlainWording({ messages: { chunk: "sound", rate: 16_000, hear: { audio: "audio", binary: (pcm) => pcm, none: () => undefined } } });
  assert.deepEqual(heard(wording, ["audio", { audio: "AQI=" }], ["audio", null], ["binary", PCM], ["none", {}], ["other", PCM]), [
    ["hear", "AQI=", 16_000], ["hear", PCM, 16_000],
  ]);
});

test("what befalls a stream is told in its order: flushed before its sound, ended after", () => {
  const hear = { all: (told) => told };
  const wording = new PlainWording({ messages: { chunk: "sound", hear } });
  const told = heard(wording, ["all", { audio: [PCM, "AQI="], rate: 8_000, flush: true, start: true, end: true, speaking: 0 }]);
  assert.deepEqual(told, [["flush"], ["finish"], ["hear", PCM, 8_000], ["hear", "AQI=", 8_000], ["finish"], ["speech", false]]);
});

test("what a plain server has no words for is not said", () => {
  const mute = new PlainWording({ messages: { chunk: "sound" } });
  assert.deepEqual([mute.opening(1), mute.closing(1), mute.dropped(1, 5), mute.interrupted({ stream: 1, played: 2, ms: 3 })], [[], [], [], []]);
  assert.deepEqual(mute.chunk(PCM), ["sound", PCM]);
  const wordy = new PlainWording({
    rate: 24_000,
    messages: {
      chunk: (pcm) => ["in", { pcm }], start: (about) => ["start", about], stop: (about) => ["stop", about], interrupt: (about) => ["cut", about], dropped: () => undefined,
    },
  });
  assert.deepEqual([wordy.opening(1, true), wordy.closing(1), wordy.dropped(1, 5), wordy.interrupted({ stream: 1, played: 2, ms: 3, rtp: false }), wordy.chunk(PCM)], [
    [["start", { stream: 1, rate: 24_000 }]], [["stop", { stream: 1 }]], [], [["cut", { stream: 1, played: 2, ms: 3 }]], ["in", { pcm: PCM }],
  ]);
});

test("messages that cannot be meant are refused", () => {
  const dialect = { name: "json" };
  for (const messages of [null, 7, {}, { chunk: "" }, { chunk: 5 }, { chunk: "a", hear: 5 }, { chunk: "a", hear: { audio: 5 } }, { chunk: "a", rate: "24" }, { chunk: "a", stop: "b" }, { chunk: "a", constructor: () => 1 }]) {
    assert.throws(() => checkAudio({ audio: { messages }, dialect }), { code: "bad_option" }, JSON.stringify(messages));
  }
  assert.throws(() => checkAudio({ audio: { messages: { chunk: "a" } } }), { code: "bad_option" });
  checkAudio({ audio: { messages: { chunk: "a", start: undefined, hear: { audio: "audio" } } }, dialect: "json" });
});
