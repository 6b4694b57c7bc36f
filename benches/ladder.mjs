// What a conversation goes through when WebRTC does not connect, dies, heals, or has to take the way round a relay. One JSON object a line.
//
// `node benches/ladder.mjs [--only PATTERN]`, started by `cargo xtask measure ladder`. Numbers go both ways all the while, and sound up and down; every case has a server and a
// page of its own.

import { parseArgs } from "node:util";

import { startBrowser } from "../tests/e2e/support/browsers.mjs";
import { startServer } from "../tests/e2e/support/server.mjs";
import { startSite } from "../tests/e2e/support/site.mjs";
import { startTurn } from "../tests/e2e/support/turn.mjs";

/** Milliseconds: a first message on another rung, a dead path noticed, and back on WebRTC. */
const FIRST = 4_000;
const NOTICED = 2_500;
const BACK = 60_000;

const CASES = { blackHole, killed: (world) => broken(world, "kill"), closed: (world) => broken(world, "close"), restarted, moved, relayUdp: (world) => relayed(world, "udp"), relayTcp: (world) => relayed(world, "tcp"), relayRefused };

const { values } = parseArgs({ options: { only: { type: "string", default: "" } } });
const only = new RegExp(values.only);
const site = await startSite();
for (const name of ["chromium", "firefox"]) {
  const chosen = Object.entries(CASES).filter(([what]) => only.test(`ladder.${name}.${what}`));
  if (!chosen.length) continue;
  const browser = await startBrowser(name, { media: true, flags: ["--allow-loopback-in-peer-connection"] });
  for (const [what, run] of chosen) {
    const server = await startServer();
    const say = (suffix, figure) => console.log(JSON.stringify({ name: `ladder.${name}.${what}${suffix}`, ...figure }));
    try {
      await browser.open(site.page());
      await run({ server, browser, say, url: `${server.url}/realtime` });
    } catch (error) {
      say("", { value: null, ok: false, error: error.message });
    } finally {
      await server.stop();
    }
  }
  await browser.stop();
}
site.close();
process.exit();

/** No UDP from the start; later there is. */
async function blackHole({ server, browser, say, url }) {
  await rtc(server, { udp: "drop" });
  const { ms, transport } = await browser.evaluate(firstMessage, url);
  const { sessions } = await health(server);
  say(".first", { value: ms, unit: "ms", limit: FIRST, transport, sessions, ok: ms <= FIRST && transport !== "webrtc" && sessions === 1 });
  await rtc(server, { udp: "pass" });
  const back = await browser.evaluate(untilWebRtc, BACK + 20_000);
  const after = await health(server);
  say(".back", { value: back, unit: "ms", limit: BACK, sessions: after.sessions, ok: back <= BACK && after.sessions === 1 });
}

/** The peer is gone in the middle of the call: without a word, or with one. */
async function broken({ server, browser, say, url }, how) {
  await converse(server, browser, url, say, async () => {
    const at = await browser.evaluate(() => performance.now());
    await rtc(server, { [how]: true });
    return at;
  });
}

/** UDP stops for a while that is too short for another rung: the peer connection is mended. */
async function restarted({ server, browser, say, url }) {
  await converse(server, browser, url, say, async () => {
    const at = await browser.evaluate(() => performance.now());
    await rtc(server, { udp: "drop" });
    await browser.evaluate(() => harness.sleep(1_300));
    await rtc(server, { udp: "pass" });
    return at;
  }, { stays: true });
}

/** The page is told that it moved to another network. */
async function moved({ server, browser, say, url }) {
  await converse(server, browser, url, say, () => browser.evaluate(() => {
    const at = performance.now();
    (navigator.connection ?? window).dispatchEvent(new Event(navigator.connection ? "change" : "online"));
    return at;
  }), { stays: true });
}

/** Talks with numbers and sound, breaks something, and says what came of it. `stays` allows that WebRTC carries on. */
async function converse(server, browser, url, say, breakIt, { stays = false } = {}) {
  await browser.evaluate(startTalking, url);
  const publisher = server.publish("ladder");
  let published;
  try {
    await browser.evaluate(() => harness.sleep(1_500));
    const at = await breakIt();
    const { noticed, carried } = await browser.evaluate(afterBreak, at, stays);
    say(".noticed", { value: noticed, unit: "ms", limit: NOTICED, transport: carried, ok: noticed <= NOTICED });
  } finally {
    published = await publisher.stop();
  }
  const { up, down, sent, refused, gaps } = await browser.evaluate(stopTalking, published);
  const lost = sent - up.arrived + published - down.arrived;
  const [doubled, reordered] = [up.doubled + down.doubled, up.reordered + down.reordered];
  say(".messages", { value: sent + published, unit: "messages", lost, doubled, reordered, refused, ok: lost + doubled + reordered + refused === 0 });
  const gap = Math.max(0, ...gaps.map(({ gapMs }) => gapMs));
  say(".sound", { value: gap, unit: "ms", rungs: gaps, ok: stays || gaps.length > 0 });
}

/** Only by the relay. */
async function relayed({ browser, say, url }, protocol) {
  const turn = await startTurn();
  try {
    const { ms, transport, relay } = await browser.evaluate(firstMessage, url, { webrtc: { iceServers: turn.iceServers(protocol), iceTransportPolicy: "relay" } }, "webrtc");
    say("", { value: ms, unit: "ms", transport, relay, ok: transport === "webrtc" && relay === protocol });
  } finally {
    await turn.stop();
  }
}

/** Wrong credentials: told, and another rung carries. */
async function relayRefused({ browser, say, url }) {
  const turn = await startTurn();
  try {
    const found = await browser.evaluate(firstMessage, url, { webrtc: { iceServers: turn.wrongIceServers("udp"), iceTransportPolicy: "relay" } });
    say("", { value: found.ms, unit: "ms", limit: FIRST, transport: found.transport, errors: found.errors, ok: found.ms <= FIRST && found.transport !== "webrtc" && found.errors.includes("turn_rejected") });
  } finally {
    await turn.stop();
  }
}

async function rtc(server, change) {
  const response = await fetch(`${server.url}/api/rtc`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(change) });
  if (!response.ok) throw new Error(`POST /api/rtc: ${response.status}`);
}

async function health(server) {
  return (await fetch(`${server.url}/api/health`)).json();
}

// What follows runs in the page.

/** Milliseconds from `connect()`, the microphone being granted, to the first reply; then, which transport brought it. */
async function firstMessage(url, options = {}, wanted) {
  const { connect } = await import("/voice.js");
  const tracks = (await navigator.mediaDevices.getUserMedia({ audio: true })).getTracks();
  for (const track of tracks) track.stop();
  const start = performance.now();
  const session = connect({ url, remember: false, ...options });
  const errors = [];
  session.on("error", ({ code }) => errors.push(code));
  window.opened = { session };
  session.audio.start().catch(({ code }) => errors.push(code));
  await session.request("ECHO", { n: 1 });
  const ms = Math.round(performance.now() - start);
  if (wanted) await harness.until(() => session.transport === wanted, 20_000, () => JSON.stringify([errors, session.explain().attempts]));
  const { transport } = session;
  if (!wanted) await harness.sleep(500);
  const stats = await session.webrtcStats();
  return { ms, transport, errors, relay: stats?.relayProtocol };
}

async function untilWebRtc(limit) {
  const { session } = opened;
  const start = performance.now();
  await harness.until(() => session.transport === "webrtc", limit, () => JSON.stringify(session.explain().attempts));
  return Math.round(performance.now() - start);
}

/** Numbers up come back as echoes, a show's comments come down; sound goes both ways. */
async function startTalking(url) {
  const { session } = await harness.connected({ entry: "voice", url, remember: false });
  await harness.until(() => session.transport === "webrtc", 10_000, () => JSON.stringify(session.explain().attempts));
  await session.send("audio:mode", { mode: "echo" });
  await session.audio.start();
  const heard = { echoes: [], comments: [], sends: [], gaps: [], changes: [] };
  session.on("transport", ({ from, to }) => heard.changes.push({ at: performance.now(), from, to }));
  session.on("state", ({ to }) => heard.changes.push({ at: performance.now(), state: to }));
  session.on("rung", ({ from, to, gapMs }) => heard.gaps.push({ from, to, gapMs }));
  session.on("error", () => {});
  session.on("ECHO", (n) => heard.echoes.push(n));
  session.on("COMMENT", ({ text }) => heard.comments.push(Number(text)));
  await session.send("SUBSCRIBE", { topic: "shows/ladder" });
  const timer = setInterval(() => heard.sends.push(harness.outcome(session.send("ECHO", heard.sends.length))), 30);
  window.opened = { session, heard, timer };
}

/** When the break was noticed, and who carries once sound flows again. */
async function afterBreak(at, stays) {
  const { session, heard } = opened;
  const since = () => heard.changes.find((change) => change.at >= at);
  if (!stays) await harness.until(() => since() && session.state === "connected", 20_000, () => JSON.stringify(session.explain().attempts));
  const carried = session.transport;
  const count = heard.echoes.length;
  await harness.until(() => heard.echoes.length > count + 30, 10_000, "echoes again");
  await harness.sleep(1_500);
  return { noticed: Math.round((since()?.at ?? at) - at), carried };
}

async function stopTalking(published) {
  const { session, heard, timer } = opened;
  clearInterval(timer);
  const sent = heard.sends.length;
  await harness.until(() => heard.echoes.length >= sent && heard.comments.length >= published, 15_000, "the rest").catch(() => {});
  const refused = (await Promise.all(heard.sends)).filter(({ error }) => error).length;
  const tally = (numbers) => {
    const arrived = new Set(numbers).size;
    return { arrived, doubled: numbers.length - arrived, reordered: numbers.filter((n, i) => i && n < numbers[i - 1]).length };
  };
  const result = { up: tally(heard.echoes), down: tally(heard.comments), sent, refused, gaps: heard.gaps };
  await session.close();
  return result;
}
