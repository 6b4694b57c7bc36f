// How long a session takes to open its data channel, beside a bare `RTCPeerConnection` on the same SDP route that waits for candidates just as little, and whether sound
// flows both ways. One JSON object a line.
//
// `node benches/rtc-open.mjs [--rounds N]`, started by `cargo xtask measure rtc-open`. The two take turns in one page.

import { parseArgs } from "node:util";

import { startBrowser } from "../tests/e2e/support/browsers.mjs";
import { startServer } from "../tests/e2e/support/server.mjs";
import { startSite } from "../tests/e2e/support/site.mjs";
import { quantile, round } from "./support/unattended.mjs";

const LIMIT = 1.15;
/** Rounds before the first that counts: by then the engine has compiled what it will. */
const WARM = 3;

const { values } = parseArgs({ options: { only: { type: "string", default: "" }, rounds: { type: "string", default: "30" } } });
const site = await startSite();
for (const name of ["chromium", "firefox"].filter((name) => name.startsWith(values.only))) {
  const [server, browser] = await Promise.all([startServer(), startBrowser(name, { media: true })]);
  try {
    await browser.open(site.page());
    const url = `${server.url}/realtime`;
    const spans = await browser.evaluate(takeTurns, url, Number(values.rounds) + WARM);
    const p50 = (list) => quantile(list.slice(WARM), 0.5);
    const [value, baseline] = [p50(spans.session), p50(spans.bare)];
    const ratio = round(value / baseline, 3);
    console.log(JSON.stringify({ name: `rtc-open.${name}.channel`, value: round(value, 1), unit: "ms", limit: LIMIT, baseline: round(baseline, 1), ratio, ok: ratio <= LIMIT }));
    const { sent, received } = await browser.evaluate(sound, url);
    console.log(JSON.stringify({ name: `rtc-open.${name}.audio`, value: Math.min(sent, received), unit: "bit/s", sent, received, ok: sent > 0 && received > 0 }));
  } finally {
    await browser.stop();
    await server.stop();
  }
}
site.close();
process.exit();

// What follows runs in the page.

async function takeTurns(url, rounds) {
  const { connect } = await import("/voice.js");
  let opened;
  const { createDataChannel } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.createDataChannel = function (...args) {
    const channel = createDataChannel.apply(this, args);
    channel.addEventListener("open", () => opened(performance.now()));
    return channel;
  };
  const next = () => new Promise((resolve) => (opened = resolve));

  /** Candidates follow the answer by 20 ms, if they are needed still, as the session's do. */
  const trickle = async (peer, resource, etag) => {
    await harness.sleep(20);
    const lines = peer.localDescription?.sdp.split("\r\n") ?? [];
    if (peer.connectionState !== "connecting" && peer.connectionState !== "new") return;
    const needed = ["m=", "a=mid:", "a=ice-ufrag:", "a=ice-pwd:"].map((start) => lines.find((line) => line.startsWith(start)));
    const body = [...needed, ...lines.filter((line) => line.startsWith("a=candidate:")), ""].join("\r\n");
    await fetch(resource, { method: "PATCH", headers: { "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": etag }, body });
  };

  const bare = async () => {
    const open = next();
    const start = performance.now();
    const peer = new RTCPeerConnection();
    peer.addTransceiver("audio", { direction: "sendrecv" });
    peer.createDataChannel("bare");
    await peer.setLocalDescription(await peer.createOffer());
    const response = await fetch(url, { method: "POST", headers: { "Content-Type": "application/sdp" }, body: peer.localDescription.sdp });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const resource = new URL(response.headers.get("Location"), url);
    await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
    trickle(peer, resource, response.headers.get("ETag"));
    const span = (await open) - start;
    peer.close();
    await fetch(resource, { method: "DELETE" });
    return span;
  };

  const session = async () => {
    const open = next();
    const start = performance.now();
    const session = connect({ url, transports: ["webrtc"], remember: false });
    const span = (await open) - start;
    await harness.until(() => session.state === "connected");
    await session.close();
    return span;
  };

  const spans = { session: [], bare: [] };
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of round % 2 ? [["session", session], ["bare", bare]] : [["bare", bare], ["session", session]]) spans[name].push(await run());
  }
  return spans;
}

/** Bits of sound a second, each way, with the server's echo. */
async function sound(url) {
  const { session } = await harness.connected({ entry: "voice", url, transports: ["webrtc"], remember: false });
  await session.send("audio:mode", { mode: "echo" });
  await session.audio.start();
  const flowing = async () => {
    const { bitrateIn, bitrateOut } = await session.webrtcStats();
    return bitrateIn > 0 && bitrateOut > 0;
  };
  await harness.until(flowing, 10_000, async () => JSON.stringify(await session.webrtcStats()));
  await harness.sleep(2_000);
  const { bitrateIn, bitrateOut } = await session.webrtcStats();
  await session.close();
  return { sent: Math.round(bitrateOut), received: Math.round(bitrateIn) };
}
