// Sound as messages, by the samples that reach the loudspeaker's stream: gaps, mouth to ear, and how soon a barge-in is silence. One JSON object a line.
//
// `node benches/audio.mjs [--only PATTERN]`, started by `cargo xtask measure audio`. The microphone is a tone that the page switches on and off, and every time is one of the audio clock.

import { parseArgs } from "node:util";

import { startBrowser } from "../tests/e2e/support/browsers.mjs";
import { startServer } from "../tests/e2e/support/server.mjs";
import { startSite } from "../tests/e2e/support/site.mjs";

/** Milliseconds that a barge-in may still be heard. */
const BARGE_IN = 60;
/** Milliseconds from mouth to ear on this machine, beside the server's bursts. */
const MOUTH_TO_EAR = 300;
/** Milliseconds of a block of the audio thread, and a little. */
const BLOCK = 6;
/** Seconds of a tone without end. */
const SECONDS = 10;

const { values } = parseArgs({ options: { only: { type: "string", default: "" } } });
const only = new RegExp(values.only);
const [server, site] = await Promise.all([startServer(), startSite()]);
const url = `${server.url}/realtime`;
for (const name of ["chromium", "firefox"]) {
  const cases = ["element", "loopback"].flatMap((echoSafe) =>
    ["websocket", "sse"].flatMap((transport) => [20, 50, 200].map((burst) => ({ title: `audio.${name}.${echoSafe}.${transport}.${burst}`, echoSafe, transport, burst }))),
  );
  const chosen = cases.filter(({ title }) => only.test(title));
  if (!chosen.length) continue;
  const browser = await startBrowser(name, { media: true, flags: ["--autoplay-policy=no-user-gesture-required"] });
  for (const { title, ...options } of chosen) {
    const say = (suffix, figure) => console.log(JSON.stringify({ name: title + suffix, ...figure }));
    try {
      await browser.open(site.page());
      const { gaps, reported, stops, mutes, delays } = await browser.evaluate(measure, url, options, SECONDS);
      // One as long as a block of the audio thread is the browser's own, from one context to the other.
      const audible = gaps.filter((ms) => ms > BLOCK).length;
      say(".gaps", { value: audible, unit: "gaps", limit: 0, seconds: SECONDS, all: gaps, reported, ok: audible + reported === 0 });
      // What is left in the stream is not heard once the element is mute.
      const silent = Math.max(...stops.map((ms, i) => Math.min(ms, mutes[i])));
      say(".barge-in", { value: silent, unit: "ms", limit: BARGE_IN, stream: stops, element: mutes, ok: silent <= BARGE_IN });
      const [median] = delays.toSorted((a, b) => a - b).slice(delays.length >> 1);
      const limit = MOUTH_TO_EAR + options.burst;
      say(".mouth-to-ear", { value: median ?? null, unit: "ms", limit, delays, ok: median <= limit });
    } catch (error) {
      say("", { value: null, ok: false, error: error.message });
    }
  }
  await browser.stop();
}
await server.stop();
site.close();
process.exit();

// What follows runs in the page.

async function measure(url, { echoSafe, transport, burst }, seconds) {
  const context = new AudioContext({ latencyHint: "interactive" });
  const tap = `registerProcessor("tap", class extends AudioWorkletProcessor {
    loud = false;
    process([[samples]]) {
      let energy = 0;
      for (const sample of samples ?? []) energy += sample * sample;
      const loud = energy / 128 > 0.0009;
      if (loud !== this.loud) this.port.postMessage({ loud: (this.loud = loud), at: currentTime });
      return true;
    }
  })`;
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([tap], { type: "text/javascript" })));
  context.resume();
  const mouth = context.createMediaStreamDestination();
  const gain = new GainNode(context, { gain: 0 });
  const voice = new OscillatorNode(context, { frequency: 440 });
  voice.connect(gain).connect(mouth);
  voice.start();
  navigator.mediaDevices.getUserMedia = async () => mouth.stream.clone();
  const { session } = await harness.connected({ entry: "voice", url, transports: [transport], remember: false, audio: { echoSafe, bargeIn: false } });
  let ear;
  let changes = [];
  /** Taps what the loudspeaker plays. */
  const listen = async () => {
    const source = await harness.until(() => document.querySelector("audio")?.srcObject);
    ear = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0 });
    ear.port.onmessage = ({ data }) => changes.push(data);
    context.createMediaStreamSource(source).connect(ear);
  };
  const loud = () => changes.at(-1)?.loud;
  await session.audio.start();

  // A tone without end: gaps, and how soon an interruption is silence.
  let gaps = [];
  let reported = 0;
  const stops = [];
  const mutes = [];
  for (let round = 0; round < 4; round++) {
    await session.send("audio:mode", { mode: "tone", burst_ms: burst, rate: 24_000 });
    await harness.until(() => session.audio.isAgentSpeaking, 10_000, "the tone");
    if (!ear) await listen();
    await harness.until(loud, 10_000, "sound");
    await harness.sleep(300);
    const from = changes.length;
    await harness.sleep(round ? 500 : seconds * 1_000);
    if (!round) {
      const since = changes.slice(from);
      gaps = since.flatMap(({ loud, at }, i) => (loud || !since[i + 1] ? [] : [Math.round(1_000 * (since[i + 1].at - at))]));
      reported = (await session.audio.stats()).glitches;
    }
    const [asked, start] = [context.currentTime, performance.now()];
    session.audio.on("interrupted", () => (mutes[round] ??= Math.round(performance.now() - start)));
    session.audio.interrupt();
    await harness.until(() => !loud(), 5_000, "silence");
    await harness.sleep(200);
    stops.push(Math.max(0, Math.round(1_000 * (changes.findLast(({ loud }) => !loud).at - asked))));
    await session.send("audio:mode", { mode: "interview" });
    await harness.sleep(100);
  }

  // What the microphone hears comes back.
  await session.send("audio:mode", { mode: "echo", burst_ms: burst });
  const delays = [];
  for (let round = 0; round < 5; round++) {
    await harness.sleep(600);
    changes = [];
    const at = context.currentTime + 0.05;
    gain.gain.setValueAtTime(0.5, at);
    gain.gain.setValueAtTime(0, at + 0.3);
    const came = await harness.until(() => changes.find(({ loud }) => loud), 5_000, "the echo");
    delays.push(Math.round(1_000 * (came.at - at)));
    await harness.until(() => !loud(), 5_000, "the echo's end");
  }
  await session.close();
  await context.close();
  return { gaps, reported, stops, mutes, delays };
}
