// What a page keeps of 500 rounds of microphone on and off: tracks, nodes of the audio graph, peer connections, listeners, heap and wasm memory, after a collection; and what it keeps of 50 sessions over WebRTC. One JSON object a line.
//
// `node benches/leaks.mjs [--only TRANSPORT] [--rounds N]`, started by `cargo xtask measure leaks`. Chromium tells what is alive.

import { parseArgs } from "node:util";

import { startBrowser } from "../tests/e2e/support/browsers.mjs";
import { startServer } from "../tests/e2e/support/server.mjs";
import { startSite } from "../tests/e2e/support/site.mjs";
import { alive } from "./support/alive.mjs";
import { round } from "./support/unattended.mjs";

/** Rounds before the first look: by then the engine has compiled what it will, and what is kept up to a bound has come to it. */
const WARM = 500;
/** Rounds in one call to the driver. */
const CALL = 50;
const KINDS = ["RTCPeerConnection", "AudioContext", "AudioWorkletNode", "MediaStreamAudioSourceNode", "AbortController"];
/** What Chromium keeps one of for each `getUserMedia`, in an empty page as well. */
const KEPT = ["MediaStreamTrack", "MediaStream", "Promise"];
/** What a link over WebRTC is made of. */
const LINKS = ["RTCPeerConnection", "RTCDataChannel", "RTCRtpSender", "AbortController", "WebAssembly.Memory"];
/** Bytes of heap that a round may leave, beside what Chromium keeps of it in an empty page: the engine's own coming and going. */
const LIMIT = 128;

const { values } = parseArgs({ options: { only: { type: "string", default: "" }, rounds: { type: "string", default: "500" } } });
const rounds = Number(values.rounds);
const [server, site, browser] = await Promise.all([startServer(), startSite(), startBrowser("chromium", { media: true })]);
const bare = await bytesKept();
for (const transport of ["webrtc", "websocket"].filter((name) => name.startsWith(values.only))) {
  await browser.open(site.page());
  await browser.evaluate(connectOver, transport, `${server.url}/realtime`);
  await talk(WARM);
  const before = await alive(browser, [...KINDS, ...KEPT], counted);
  await talk(rounds);
  const after = await alive(browser, [...KINDS, ...KEPT], counted);
  await browser.evaluate(() => opened.close());
  const grown = (what) => after[what] - before[what];
  const value = round(grown("heap") / rounds - bare, 1);
  const flat = ["listeners", "wasm", "live", ...KINDS].every((what) => grown(what) <= 0) && KEPT.every((what) => grown(what) <= rounds);
  console.log(JSON.stringify({ name: `leaks.${transport}`, value, unit: "B/round", limit: LIMIT, ok: value <= LIMIT && flat, rounds, bare, before, after }));
}
await connections();
await browser.stop();
await server.stop();
site.close();
process.exit();

/** What sessions over WebRTC leave that came and went: of each kind, no more than the last. */
async function connections() {
  await browser.open(site.page());
  const come = (times) => browser.evaluate(openSessions, `${server.url}/realtime`, times);
  await come(CALL);
  const before = await alive(browser, LINKS, counted);
  await come(CALL);
  const after = await alive(browser, LINKS, counted);
  const grown = LINKS.map((kind) => after[kind] - before[kind]);
  const value = Math.max(...grown, after.listeners - before.listeners);
  console.log(JSON.stringify({ name: "leaks.sessions", value, unit: "objects", limit: 1, ok: value <= 1, rounds: CALL, before, after }));
}

/** Bytes that Chromium keeps of a microphone that was on, in a page without us. */
async function bytesKept() {
  await browser.open(site.page());
  const heap = async () => {
    for (let i = 0; i < 4; i++) await browser.driver.sendAndGetDevToolsCommand("HeapProfiler.collectGarbage", {});
    return (await browser.driver.sendAndGetDevToolsCommand("Runtime.getHeapUsage", {})).usedSize;
  };
  await browser.evaluate(openAndClose, WARM);
  const before = await heap();
  for (let left = rounds; left > 0; left -= CALL) await browser.evaluate(openAndClose, Math.min(left, CALL));
  return round(((await heap()) - before) / rounds, 1);
}

async function talk(times) {
  for (let left = times; left > 0; left -= CALL) await browser.evaluate(startAndStop, Math.min(left, CALL));
}

// What follows runs in the page.

async function connectOver(transport, url) {
  window.memories = [];
  window.live = new Set();
  const { Instance } = WebAssembly;
  WebAssembly.Instance = function (...args) {
    const made = new Instance(...args);
    memories.push(Object.values(made.exports).find((item) => item instanceof WebAssembly.Memory));
    return made;
  };
  const { mediaDevices } = navigator;
  const real = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = async (constraints) => {
    const stream = await real(constraints);
    for (const track of stream.getTracks()) live.add(new WeakRef(track));
    return stream;
  };
  const { session } = await harness.connected({ entry: "voice", url, transports: [transport], remember: false });
  window.opened = session;
}

async function openAndClose(times) {
  for (let left = times; left > 0; left--) {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    for (const track of stream.getTracks()) track.stop();
  }
}

async function startAndStop(times) {
  for (let left = times; left > 0; left--) {
    await opened.audio.start();
    await opened.audio.stop();
  }
}

async function openSessions(url, times) {
  window.live = new Set();
  window.memories = [];
  for (let left = times; left > 0; left--) {
    const { session } = await harness.connected({ entry: "voice", url, transports: ["webrtc"], remember: false });
    await session.request("ECHO", left);
    await session.close();
  }
}

function counted() {
  const tracks = [...live].map((track) => track.deref());
  return { live: tracks.filter((track) => track?.readyState === "live").length, wasm: memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0) };
}
