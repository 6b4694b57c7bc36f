// Sessions over WebRTC: what they carry, how they are set up, and what becomes of them when UDP does not work.

import assert from "node:assert/strict";

import { inBrowsers } from "./support/suite.mjs";

const MEDIA = { media: true, browsers: ["chromium", "firefox"] };

const rtc = async (world, body) => (await fetch(`${world.server.url}/api/rtc`, body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) })).json();

inBrowsers((world) => {
  const options = (more = {}) => ({ entry: "voice", url: `${world.server.url}/realtime`, transports: ["webrtc"], remember: false, ...more });

  world.check("connects, carries messages both ways and closes cleanly", async (evaluate) => {
    const seen = await evaluate(async (options) => {
      const { session, record } = await harness.connected(options);
      const echo = session.waitFor("ECHO");
      await session.send("ECHO", { text: "zażółć 🦆" });
      const texts = [await echo, await session.request("ECHO", { a: [1, 2] })];
      const sizes = [];
      for (const size of [0, 1, 70_000, 300_000]) {
        const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31) & 255);
        const back = session.waitFor("ECHO");
        await session.send("ECHO", bytes);
        const received = await back;
        sizes.push([received.length, received.every((byte, i) => byte === bytes[i])]);
      }
      const long = "ż".repeat(100_000);
      const back = session.waitFor("ECHO");
      await session.send("ECHO", { long });
      const same = (await back).long === long;
      const stats = await session.webrtcStats();
      const explanation = session.explain();
      await session.close();
      const { errors, transports } = record;
      return { texts, sizes, same, stats, explanation, errors, transports, after: session.state };
    }, options());
    assert.deepEqual(seen.texts, [{ text: "zażółć 🦆" }, { a: [1, 2] }]);
    assert.deepEqual(seen.sizes, [0, 1, 70_000, 300_000].map((size) => [size, true]));
    assert.equal(seen.same, true);
    assert.equal(seen.after, "closed");
    assert.deepEqual(seen.errors, []);
    assert.deepEqual(seen.transports, [{ from: null, to: "webrtc" }, { from: "webrtc", to: null }]);
    assert.match(seen.explanation.summary, /connected over webrtc/);
    assert.equal(seen.stats.protocol, "udp");
    assert.equal(typeof seen.stats.rttMs, "number");
    await until(async () => (await rtc(world)).peers === 0);
  });
}, MEDIA);

async function until(holds) {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries === 200) throw new Error(`never: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
