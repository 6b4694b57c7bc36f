// Gemini Live behind a backend that passes its messages on: the recipe for it as it stands, against what is as strict as Gemini.

import assert from "node:assert/strict";

import { systemFor } from "../systems/support/start.mjs";
import { listenIn } from "./support/ear.mjs";
import { startGemini, turn } from "./support/gemini.mjs";
import { recipe } from "./support/recipe.mjs";
import { inBrowsers } from "./support/suite.mjs";

const SETUP = { model: "models/any", generationConfig: { responseModalities: ["AUDIO"] } };

inBrowsers((world) => {
  world.check("Gemini: sound both ways, an interruption, captions, a tool, and on by its handle after goAway", async (evaluate, t) => {
    const gemini = await startGemini();
    t.after(() => gemini.stop());
    const { url } = await systemFor(t, "gemini", "--upstream", gemini.url, "--upstream-key", "k1");
    const code = await recipe("gemini", ["After", "Captions and tools"], world.site);
    await evaluate(listenIn);
    await evaluate(async (code, url, setup) => {
      const { connectGemini, converse } = await harness.module(code);
      const session = connectGemini({ url: `${url}/api/live`, setup, remember: false, timing: { backoff: [50, 50, 50, 50] } });
      const told = { captions: [], speaking: [], states: [], errors: [] };
      converse(session, { onCaption: (...caption) => told.captions.push(caption), tools: { add: ({ a, b }) => ({ sum: a + b }) } });
      session.on("state", ({ to }) => told.states.push(to));
      session.on("error", ({ code }) => told.errors.push(code));
      session.audio.on("speaking", ({ who, speaking }) => who === "agent" && told.speaking.push(speaking));
      window.gemini = { session, told };
      await session.audio.start();
    }, code, url, SETUP);
    const [first] = await gemini.links.first(1);
    assert.deepEqual([first.setup, first.key], [{ ...SETUP, sessionResumption: {} }, "k1"]);
    await first.heard.until(({ realtimeInput }) => realtimeInput?.audio);

    first.say({ ...turn(5), usageMetadata: { totalTokenCount: 7 } });
    await evaluate(() => harness.until(() => gemini.session.audio.isAgentSpeaking && ear.loud));
    first.say({ serverContent: { interrupted: true } });
    await evaluate(() => harness.until(() => !gemini.session.audio.isAgentSpeaking && !ear.loud));
    first.say(turn(0.2));
    first.say({ serverContent: { turnComplete: true, inputTranscription: { text: "hello" } } });
    first.say({ serverContent: { outputTranscription: { text: "hi" } } });
    first.say({ toolCall: { functionCalls: [{ id: "c1", name: "add", args: { a: 1, b: 2 } }] } });
    const { toolResponse } = await first.heard.until((message) => message.toolResponse);
    assert.deepEqual(toolResponse, { functionResponses: [{ id: "c1", name: "add", response: { sum: 3 } }] });
    await evaluate(() => harness.until(() => gemini.told.speaking.length === 4));

    first.say({ sessionResumptionUpdate: { newHandle: "h1", resumable: true } });
    first.say({ sessionResumptionUpdate: { newHandle: "h2", resumable: false } });
    first.say({ goAway: { timeLeft: "1s" } });
    await evaluate(() => harness.until(async () => gemini.session.waitFor("goAway")));
    first.close(1001, "going away");
    const [, second] = await gemini.links.first(2);
    assert.deepEqual(second.setup.sessionResumption, { handle: "h1" });
    await second.heard.until(({ realtimeInput }) => realtimeInput?.audio);
    second.say(turn(0.2));
    await evaluate(() => harness.until(() => gemini.told.speaking.length === 6));
    const seen = await evaluate(async () => {
      const { session, told } = gemini;
      const { glitches } = await session.audio.stats();
      await session.audio.stop();
      return { ...told, glitches };
    });
    await second.heard.until(({ realtimeInput }) => realtimeInput?.audioStreamEnd);
    await evaluate(() => gemini.session.close());
    assert.deepEqual(seen.speaking, [true, false, true, false, true, false]);
    assert.deepEqual(seen.captions, [["user", "hello"], ["agent", "hi"]]);
    assert.deepEqual(seen.states, ["connecting", "connected", "reconnecting", "connected"].slice(-seen.states.length));
    assert.equal(gemini.links.all.length, 2);
    assert.deepEqual([seen.errors, seen.glitches], [[], 0]);
  });

  world.check("Gemini: a setup that it refuses is told, not waited for", async (evaluate, t) => {
    const gemini = await startGemini();
    t.after(() => gemini.stop());
    const { url } = await systemFor(t, "gemini", "--upstream", gemini.url);
    const code = await recipe("gemini", ["After"], world.site);
    const error = await evaluate(async (code, url) => {
      const { connectGemini } = await harness.module(code);
      const session = connectGemini({ url: `${url}/api/live`, dialect: { name: "json", ready: "setupComplete", hello: { setup: {}, unknown: 1 } }, remember: false });
      const error = await new Promise((resolve) => session.on("error", resolve));
      await session.close();
      return harness.plain(error);
    }, code, url);
    assert.equal(error.closeCode, 1007);
  });
}, { browsers: ["chromium", "firefox"], media: true, flags: ["--autoplay-policy=no-user-gesture-required"] });
