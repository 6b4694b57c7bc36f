// Sound over functions that end: what the recipe for it promises, run as it stands.

import assert from "node:assert/strict";

import { systemFor } from "../systems/support/start.mjs";
import { BLOCK, listenIn } from "./support/ear.mjs";
import { recipe } from "./support/recipe.mjs";
import { endOfCuts, hearCuts, speakInto, tally } from "./support/serverless.mjs";
import { inBrowsers } from "./support/suite.mjs";

const FLAGS = ["--autoplay-policy=no-user-gesture-required"];

inBrowsers((world) => {
  for (const [title, more] of [["cleanly", []], ["by a reset", ["--reset"]]]) {
    world.check(`C: functions are cut ${title} while sound flows: no frame is lost, doubled or out of order, and the app sees nothing`, async (evaluate, t) => {
      const { url, log } = await systemFor(t, "c", "--deployment", "sse", "--frames", "0", "--cut", "1.5", "--ids", ...more);
      const code = await recipe("c", ["After"], world.site);
      await evaluate(listenIn);
      const count = 240;
      await speakInto(url, await evaluate(hearCuts, code, url, { stable: 100 }), count);
      const seen = await evaluate(endOfCuts, count, false);
      assert.deepEqual(tally(seen.numbers, count), { lost: 0, doubled: 0, reordered: 0 });
      assert.deepEqual([seen.states, seen.errors], [[], []]);
      const cuts = log.all.filter((line) => line.includes("GET /api/audio-stream")).length - 1;
      assert.ok(cuts >= 2, `${cuts} cuts`);
      assert.ok(Math.abs(seen.heard - 4.8) < 0.2, `${seen.heard} s of 4.8`);
      assert.ok(seen.silences.filter((ms) => ms > BLOCK).length <= Math.max(cuts + 1, seen.glitches), JSON.stringify(seen.silences));
    });
  }

  world.check("C: an upload that is not taken is told once, and not tried again", async (evaluate, t) => {
    const { url, log } = await systemFor(t, "c", "--deployment", "sse", "--frames", "5");
    const code = await recipe("c", ["After"], world.site);
    const seen = await evaluate(async (code, url) => {
      const { connectVoice } = await harness.module(code);
      const api = `${url}/api`;
      const session = connectVoice({ api, prompt: "p", remember: false, endpoints: { sse: ({ sessionId }) => `${api}/audio-stream?sessionId=${sessionId}`, send: `${api}/health` } });
      const errors = [];
      session.on("error", ({ code, status }) => errors.push([code, status]));
      await session.audio.start();
      await harness.until(() => errors.some(([code]) => code === "not_found"));
      let levels = 0;
      session.audio.on("level", () => levels++);
      await harness.until(() => levels > 50);
      const { state } = session;
      await session.close();
      return { errors, state };
    }, code, url);
    assert.deepEqual(seen, { errors: [["transport_unavailable", undefined], ["not_found", 405]].map(([code, status]) => [code, status ?? null]), state: "connected" });
    assert.equal(log.all.filter((line) => line.includes("POST /api/health 405")).length, 1);
  });
}, { browsers: ["chromium", "firefox"], media: true, flags: FLAGS });
