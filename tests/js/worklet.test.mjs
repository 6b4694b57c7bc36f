// The audio thread's processors, run as a browser would run them: 128 samples at a time, in a scope that has what they use.

import assert from "node:assert/strict";
import { test } from "node:test";

const RATE = 48_000;
const QUANTUM = 128;

const processors = {};
Object.assign(globalThis, {
  sampleRate: RATE,
  currentTime: 0,
  AudioWorkletProcessor: class {
    told = [];
    port = { postMessage: (message) => this.told.push(message) };
  },
  registerProcessor: (name, processor) => (processors[name] = processor),
});
await import("../../pkg/js/voice/worklet.js");

const tone = (hz, seconds, rate = RATE, amplitude = 0.5) =>
  Float32Array.from({ length: Math.round(seconds * rate) }, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / rate));
const pcmOf = (samples) => Int16Array.from(samples, (sample) => Math.round(sample * 32767));
const rms = (samples) => Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);

/** Has a microphone hear samples, and returns what the page is told. */
function captured(samples, { rate = 16_000, wanted = true } = {}) {
  const capture = new processors["throughline-capture"]({ processorOptions: { rate } });
  capture.port.onmessage({ data: wanted });
  for (let at = 0; at < samples.length; at += QUANTUM) assert.ok(capture.process([[samples.subarray(at, at + QUANTUM)]]));
  return capture.told;
}

const joined = (told) => told.flatMap(({ pcm }) => [...pcm]);

/** A loudspeaker with a clock: `run(seconds)` returns what it plays meanwhile. */
class Loudspeaker {
  #playback = new processors["throughline-playback"]();

  get told() {
    return this.#playback.told;
  }

  hear(data) {
    this.#playback.port.onmessage({ data });
  }

  run(seconds) {
    const played = [];
    for (const until = globalThis.currentTime + seconds; globalThis.currentTime < until - 1e-9; globalThis.currentTime += QUANTUM / RATE) {
      const output = new Float32Array(QUANTUM);
      this.#playback.process([], [[output]]);
      played.push(...output);
    }
    return played;
  }
}

/** The largest step from one sample to the next: a click is one that the signal does not have. */
const steepest = (samples) => samples.reduce((most, sample, i) => (i ? Math.max(most, Math.abs(sample - samples[i - 1])) : 0), 0);

test("a frame of 20 ms is told with its level, and with its samples only where they are wanted", () => {
  const told = captured(tone(440, 0.5), { wanted: false });
  assert.equal(told.length, 25);
  for (const frame of told) {
    assert.ok(!("pcm" in frame));
    assert.ok(Math.abs(frame.rms - 0.5 / Math.SQRT2) < 0.01, `${frame.rms}`);
  }
  assert.deepEqual(captured(tone(440, 0.5)).slice(1).map(({ pcm }) => pcm.length), Array(24).fill(320));
});

for (const [from, to] of [[48_000, 16_000], [48_000, 24_000], [44_100, 16_000], [44_100, 24_000], [16_000, 16_000]]) {
  test(`from ${from} to ${to} Hz, speech passes and what lies above is no alias`, () => {
    globalThis.sampleRate = from;
    try {
      const level = (hz) => rms(joined(captured(tone(hz, 0.5, from), { rate: to })).slice(800).map((sample) => sample / 32767)) / (0.5 / Math.SQRT2);
      for (const hz of [100, 1_000, 3_000, 0.36 * to]) assert.ok(Math.abs(20 * Math.log10(level(hz))) < 0.5, `${hz} Hz: ${level(hz)}`);
      for (const hz of [0.5 * to + 100, 0.7 * to, 0.9 * to].filter((hz) => hz < from / 2)) assert.ok(20 * Math.log10(level(hz)) < -60, `${hz} Hz: ${level(hz)}`);
      const count = joined(captured(tone(440, 1, from), { rate: to })).length;
      assert.ok(Math.abs(count - to) < 0.03 * to, `${count} samples`);
    } finally {
      globalThis.sampleRate = RATE;
    }
  });
}

test("what is over full scale is clamped, not wrapped", () => {
  const samples = joined(captured(tone(200, 0.2, RATE, 1.5)));
  assert.equal(Math.max(...samples), 32767);
  assert.equal(Math.min(...samples), -32767);
  assert.ok(steepest(samples.slice(400)) < 4_000);
});

test("a stream begins 60 ms after its first sample came, and its end is told with all of it played", () => {
  const speaker = new Loudspeaker();
  speaker.hear({ start: 1, rate: 24_000 });
  speaker.hear({ pcm: pcmOf(tone(440, 0.5, 24_000)) });
  speaker.run(0.02);
  assert.deepEqual(speaker.told, []);
  const played = speaker.run(0.25);
  assert.ok(played.findIndex(Boolean) / RATE > 0.035 && played.findIndex(Boolean) / RATE < 0.05);
  speaker.hear({ end: 1 });
  const rest = speaker.run(0.5);
  assert.deepEqual(speaker.told, [{ playing: 1 }, { ended: 1, played: 12_000 }]);
  assert.ok(Math.abs(rms([...played, ...rest].filter(Boolean)) - 0.5 / Math.SQRT2) < 0.01);
});

for (const [burst, late] of [[0.05, 0.03], [0.2, 0.05]]) {
  test(`bursts of ${burst * 1000} ms that come up to ${late * 1000} ms late are played without a gap`, () => {
    const speaker = new Loudspeaker();
    const samples = pcmOf(tone(300, 4, 16_000));
    speaker.hear({ start: 7, rate: 16_000 });
    const played = [];
    const start = globalThis.currentTime;
    for (let sent = 0, n = 0; sent < samples.length; n++) {
      const due = start + n * burst + (n % 3) * (late / 2);
      played.push(...speaker.run(due - globalThis.currentTime));
      speaker.hear({ pcm: samples.slice(sent, (sent += burst * 16_000)) });
    }
    speaker.hear({ end: 7 });
    played.push(...speaker.run(1));
    assert.deepEqual(speaker.told, [{ playing: 7 }, { ended: 7, played: samples.length }]);
    const from = played.findIndex(Boolean);
    const sound = played.slice(from, from + 3.9 * RATE);
    assert.ok(steepest(sound) < 0.5 * 2 * Math.PI * 300 / RATE * 1.2, `${steepest(sound)}`);
  });
}

test("a stream that runs dry fades out, and in again, and its margin grows", () => {
  const speaker = new Loudspeaker();
  speaker.hear({ start: 1, rate: 24_000 });
  speaker.hear({ pcm: pcmOf(tone(440, 0.1, 24_000)) });
  const first = speaker.run(0.4);
  assert.deepEqual(speaker.told.map((told) => Object.keys(told)[0]), ["playing", "dry"]);
  speaker.hear({ pcm: pcmOf(tone(440, 0.1, 24_000)) });
  const second = speaker.run(0.4);
  const start = second.findIndex(Boolean) / RATE;
  assert.ok(start > 0.075 && start < 0.09, `${start}`);
  assert.ok(steepest([...first, ...second]) < 0.04, `${steepest([...first, ...second])}`);
});

test("what comes in bursts has more time to come", () => {
  const startOf = (seconds) => {
    const speaker = new Loudspeaker();
    speaker.hear({ start: 1, rate: 24_000 });
    speaker.hear({ pcm: pcmOf(tone(440, seconds, 24_000)) });
    return speaker.run(0.3).findIndex(Boolean) / RATE;
  };
  assert.ok(Math.abs(startOf(0.05) - 0.06) < 0.005);
  assert.ok(Math.abs(startOf(0.2) - 0.12) < 0.005);
  assert.ok(Math.abs(startOf(2) - 0.06) < 0.005);
});

test("a flush fades out within 10 ms and tells how much was heard; what follows is not harmed", () => {
  const speaker = new Loudspeaker();
  speaker.hear({ start: 1, rate: 16_000 });
  speaker.hear({ pcm: pcmOf(tone(440, 5, 16_000)) });
  const before = speaker.run(1);
  const heard = (before.length - before.findIndex(Boolean)) / RATE;
  speaker.hear({ flush: null });
  const after = speaker.run(0.2);
  assert.ok(after.findLastIndex(Boolean) / RATE < 0.010, `${after.findLastIndex(Boolean) / RATE}`);
  assert.ok(steepest([...before, ...after]) < 0.05);
  const { stream, played } = speaker.told.at(-1).flushed[0];
  assert.equal(stream, 1);
  assert.ok(Math.abs(played / 16_000 - heard) < 0.012, `${played / 16_000} of ${heard}`);
  speaker.hear({ start: 2, rate: 24_000 });
  speaker.hear({ pcm: pcmOf(tone(440, 0.1, 24_000)) });
  speaker.hear({ end: 2 });
  speaker.run(0.3);
  assert.deepEqual(speaker.told.slice(-2), [{ playing: 2 }, { ended: 2, played: 2_400 }]);
});

test("a stream that is announced anew plays on after what had come of it, and counts that", () => {
  const speaker = new Loudspeaker();
  speaker.hear({ start: 1, rate: 16_000 });
  speaker.hear({ pcm: pcmOf(tone(440, 0.2, 16_000)) });
  speaker.run(0.1);
  speaker.hear({ start: 1, rate: 8_000, from: 4_000 });
  speaker.hear({ pcm: pcmOf(tone(440, 0.1, 8_000)) });
  speaker.hear({ end: 1 });
  speaker.run(0.6);
  assert.deepEqual(speaker.told.filter(({ ended }) => ended), [{ ended: 1, played: 3_200 }, { ended: 1, played: 4_800 }]);
});

test("a flush of one stream leaves the one that is heard alone", () => {
  const speaker = new Loudspeaker();
  for (const id of [1, 2]) {
    speaker.hear({ start: id, rate: 16_000 });
    speaker.hear({ pcm: pcmOf(tone(440, 0.5, 16_000)) });
    speaker.hear({ end: id });
  }
  const before = speaker.run(0.2);
  speaker.hear({ flush: 2 });
  const after = speaker.run(1);
  assert.deepEqual(speaker.told.slice(1), [{ flushed: [{ stream: 2, played: 0, rate: 16_000 }] }, { ended: 1, played: 8_000 }]);
  const sound = [...before, ...after].filter(Boolean);
  assert.ok(Math.abs(sound.length / RATE - 0.5) < 0.01, `${sound.length / RATE}`);
});

test("a stream whose end nothing tells has ended when nothing more came for a moment, and that is no glitch", () => {
  const speaker = new Loudspeaker();
  const chunk = () => speaker.hear({ pcm: pcmOf(tone(440, 0.1, 24_000)) });
  speaker.hear({ start: 1, rate: 24_000, loose: true });
  chunk();
  speaker.run(0.4);
  assert.deepEqual(speaker.told, [{ playing: 1 }]);
  speaker.run(0.3);
  assert.deepEqual(speaker.told.slice(1), [{ ended: 1, played: 2_400 }]);
  // Sent before the page knew.
  chunk();
  const sound = speaker.run(0.7).filter(Boolean);
  assert.deepEqual(speaker.told.slice(2), [{ playing: 1 }, { ended: 1, played: 4_800 }]);
  assert.ok(Math.abs(sound.length / RATE - 0.1) < 0.01, `${sound.length / RATE}`);
  speaker.hear({ start: 2, rate: 24_000, loose: true });
  chunk();
  speaker.run(0.3);
  speaker.hear({ flush: null });
  speaker.run(0.1);
  chunk();
  assert.ok(!speaker.run(0.3).some(Boolean), "what was thrown away is not gone on with");
});

test("a stream whose end nothing tells and that went on after it ran low is told to have run low", () => {
  const speaker = new Loudspeaker();
  speaker.hear({ start: 1, rate: 24_000, loose: true });
  speaker.hear({ pcm: pcmOf(tone(440, 0.1, 24_000)) });
  speaker.run(0.3);
  speaker.hear({ pcm: pcmOf(tone(440, 0.1, 24_000)) });
  speaker.run(0.7);
  assert.deepEqual(speaker.told.map((told) => Object.keys(told)[0]), ["playing", "dry", "playing", "ended"]);
  assert.equal(speaker.told.at(-1).played, 4_800);
});

test("a processor that was told to end lets go", () => {
  const capture = new processors["throughline-capture"]({ processorOptions: { rate: 16_000 } });
  capture.port.onmessage({ data: "end" });
  assert.equal(capture.process([[]]), false);
  const playback = new processors["throughline-playback"]();
  playback.port.onmessage({ data: { over: true } });
  assert.equal(playback.process([], [[new Float32Array(QUANTUM)]]), false);
});
