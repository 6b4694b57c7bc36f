// Five systems from the demo's page: the same code for each, with nothing changed but `www/systems/{key}.js`.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { systemFor } from "../systems/support/start.mjs";
import { BROWSERS, startBrowser } from "./support/browsers.mjs";
import { demoFor } from "./support/demo.mjs";
import { BLOCK, lateness, listenIn } from "./support/ear.mjs";
import { startServer } from "./support/server.mjs";

const SECRET = "sesame-4711";
const THEIRS = "#room-log .them > :first-child";
const OURS = '#room-log .me .tick[data-is="delivered"]';
const ERRORS = ".note.error";
const COMMENTS = "#console-log .text";
const wifi = (on) => `document.querySelector("#console-wifi").dataset.on === "${on}"`;

for (const name of BROWSERS.filter((name) => name !== "webkit")) {
  describe(name, () => {
    let browser;
    before(async () => void (browser = await startBrowser(name)));
    after(() => browser?.stop());

    for (const [flag, code] of [[undefined, undefined], ["--http-only", "refused"], ["--upgrade-required", "refused"], ["--hang", "hang"]]) {
      test(`A ${flag ?? "with its WebSocket"}: asked and answered, and told once of what is not there`, async (t) => {
        const { open } = await demoFor(t, "a", ...(flag ? [flag] : []));
        const page = await open(browser);
        const [first] = await page.shown(THEIRS, 1);
        await page.write("#room-form", "hello");
        const [again, second] = await page.shown(THEIRS, 2);
        assert.deepEqual([again, second === first], [first, false]);
        assert.deepEqual(await page.shown(OURS, 1), [flag ? "SSE" : "WebSocket"]);
        await page.carries(flag ? "sse" : "websocket");
        const told = await page.read(`[...document.querySelectorAll("${ERRORS}")].map(({ dataset }) => [dataset.code, dataset.transport])`);
        assert.deepEqual(told, flag ? [[code, "websocket"]] : []);
        const shown = await page.read(`["console", "voice", "room-pause", "room-end"].map((part) => document.querySelector("." + part + ", #" + part).hidden)`);
        assert.deepEqual(shown, [true, true, true, true]);
      });
    }

    test("B: the whole interview, its errors with their types, and on after a cut", async (t) => {
      const { open } = await demoFor(t, "b", "--delay-scale", "0.1");
      const page = await open(browser);
      await page.shown(THEIRS, 1);
      await page.run(`window.typed = []; new MutationObserver((changes) => typed.push(...changes.map(({ addedNodes }) => addedNodes.length > 0))).observe(document.querySelector("#room-typing"), { childList: true })`);
      await page.write("#room-form", "hello");
      await page.shown(THEIRS, 2);
      assert.deepEqual(await page.read("typed"), [true, false]);

      const errors = [["/no_such_type", "Unknown message type: no_such_type"], ['/USER_MESSAGE {"sessionId":"nobody","text":"?"}', "Session nobody not found"],
        ["/user_message", "Failed to process message: text is missing"]];
      for (const [i, [command, text]] of errors.entries()) {
        await page.write("#room-form", command);
        assert.equal((await page.shown(ERRORS, i + 1))[i], `server_error ${text}.`);
      }
      const late = await page.run(`return session.waitFor("INTERVIEW_ENDED", { timeout: 0 }).catch(({ code, message }) => [code, message])`);
      assert.deepEqual([late[0], /^no INTERVIEW_ENDED came within 0 ms, but .*ERROR/.test(late[1])], ["timeout", true], late[1]);

      await page.press("#room-pause");
      await page.until(`document.querySelector("#room-pause").textContent === "Resume" && document.querySelector("#room-text").disabled`);
      await page.press("#room-pause");
      await page.until(`document.querySelector("#room-pause").textContent === "Pause"`);
      await page.press('[data-key="c"]');
      await page.until(`session.stats().lost === 1 && session.state === "connected"`);
      await page.write("#room-form", "still here");
      await page.shown(THEIRS, 3);

      await page.press("#room-end");
      await page.until(`/Results: \\/results\\/session-/.test(document.querySelector("#room-log").textContent)`);
      await page.press("#room-end");
      await page.shown(THEIRS, 4);
      assert.equal((await page.texts(ERRORS)).filter((line) => line.startsWith("server_error")).length, errors.length);
    });

    test("B: a server that was restarted knows no session, and the interview starts over", async (t) => {
      const { open, system } = await demoFor(t, "b", "--delay-scale", "0.1");
      const page = await open(browser);
      await page.shown(THEIRS, 1);
      await system.stop();
      await page.until(`session.state === "reconnecting"`);
      await systemFor(t, "b", "--delay-scale", "0.1", "--port", new URL(system.url).port);
      await page.shown(THEIRS, 2);
      await page.write("#room-form", "hello");
      await page.shown(THEIRS, 3);
      assert.equal((await page.texts(ERRORS)).filter((line) => /^server_error Session .* not found\.$/.test(line)).length, 1);
    });

    test("B: the echo server before it harms nobody", async (t) => {
      const { open } = await demoFor(t, "b", "--echo");
      const page = await open(browser);
      const [told] = await page.shown(ERRORS, 1);
      assert.match(told, /^not_ready /);
      assert.deepEqual([await page.texts(THEIRS), await page.read("session.transport")], [[], null]);
      await page.press("#session-close");
      await page.until(`session.state === "closed"`);
    });

    test("E: a comment comes once, the sign is true, and polls stand in while nothing streams", async (t) => {
      const { open, system } = await demoFor(t, "e", "--token", SECRET, "--heartbeat", "200");
      const page = await open(browser, "heartbeat=200&interval=100&climb=500", SECRET);
      await page.carries("sse");
      await page.until(wifi(true));
      await page.until(`document.querySelector("#console-viewers").textContent === "1 stream"`);
      await page.write("#console-form", "one");
      assert.deepEqual(await page.shown(COMMENTS, 1), ["Youone"]);

      await page.press('[data-key="9"]');
      await page.until(wifi(false));
      await page.press('[data-key="2"]');
      await page.carries("long-poll");
      await page.until(wifi(true));
      await page.write("#console-form", "two");
      assert.equal((await page.shown(COMMENTS, 2))[1], "Youtwo");
      await page.press(".heal");
      await page.carries("sse");
      const polls = () => system.log.all.filter((line) => line.includes("/events ")).length;
      const polled = polls();
      await page.until(`performance.now() > (window.since ??= performance.now()) + 500`);
      assert.ok(polls() <= polled + 1, "one that was under way may end");
      await page.write("#console-form", "three");
      await page.shown(COMMENTS, 3);
      await page.until(`document.querySelector("#console-audit").textContent === "Counted: 3 comments, 0 twice"`);

      const addresses = await page.read(`performance.getEntriesByType("resource").map(({ name }) => name).join() + JSON.stringify(session.explain()) + document.body.textContent`);
      assert.ok(!addresses.includes(SECRET), "the token is in a header, and nowhere else");
      await page.press("#session-close");
      await page.until(`document.querySelector("#console-viewers").textContent === "0 streams"`);
      assert.deepEqual(await (await fetch(`${system.url}/api/clients`)).json(), { clients: 0, shows: {} });
    });

    test("E: a stream that falls silent is found out, and another opened", async (t) => {
      const { open } = await demoFor(t, "e", "--heartbeat", "200", "--silent-after", "700");
      const page = await open(browser, "heartbeat=200");
      await page.carries("sse");
      await page.run(`window.signs = []; new MutationObserver(() => signs.push(document.querySelector("#console-wifi").dataset.on)).observe(document.querySelector("#console-wifi"), { attributes: true })`);
      await page.until(`session.explain().attempts.some(({ code }) => code === "half_open")`);
      await page.until(`signs.join().includes("false") && signs.at(-1) === "true"`);
    });

    test("E: the token in the address only where it was asked for, with one warning and in no account", async (t) => {
      const { open } = await demoFor(t, "e", "--token", SECRET, "--query-token", "--heartbeat", "200");
      const page = await open(browser, "eventSource=native&tokenQuery=1", SECRET);
      await page.carries("sse");
      await page.run(`
        window.told = [];
        for (const level of ["log", "info", "warn", "error"]) console[level] = (...all) => told.push(level + ": " + all.map(String).join(" "));
        document.querySelector("#session-new").click()`);
      await page.until(`told.length > 0 && document.querySelector("#console-viewers").textContent === "1 stream"`);
      await page.carries("sse");
      await page.press('[data-key="c"]');
      await page.until(`session.stats().lost > 0 && session.state === "connected"`);
      await page.write("#console-form", "one");
      await page.shown(COMMENTS, 1);
      assert.deepEqual(await page.read("told"), ["warn: throughline: the token is in the address"]);
      await page.press("#explain-open");
      const accounts = await page.read(`JSON.stringify([session.explain(), told, session.stats()]) + document.body.textContent`);
      assert.ok(!accounts.includes(SECRET));
    });
  });
}

for (const name of BROWSERS.filter((name) => name !== "webkit")) {
  describe(`${name}, with sound`, () => {
    let browser;
    before(async () => void (browser = await startBrowser(name, { media: true, flags: ["--autoplay-policy=no-user-gesture-required"] })));
    after(() => browser?.stop());

    /** Has another session's sound listened to, and when its frames come noted. */
    const listen = async (page) => {
      await page.press("#session-close");
      await page.until(`!document.querySelector("audio")`);
      await page.run(`
        await (${listenIn})();
        window.came = [];
        const before = session;
        document.querySelector("#session-new").click();
        while (session === before) await new Promise((resolve) => setTimeout(resolve, 5));
        for (const type of ["audio", "binary"]) session.on(type, () => came.push(performance.now()));`);
    };

    const DEPLOYMENTS = [
      ["sse", ["sse"], ["transport_unavailable"]],
      ["hybrid, not well at first", ["hybrid", "--unhealthy", "1"], ["server_unavailable"]],
      ["edge", ["edge"], []],
      ["edge, whose platform strips the upgrade", ["edge", "--strip-upgrade"], ["refused"]],
    ];
    for (const [title, [deployment, ...more], told] of DEPLOYMENTS) {
      test(`C: ${title}: what the server says is heard whole, and what the user says goes up`, async (t) => {
        const transport = told.length && deployment !== "hybrid" ? "sse" : "websocket";
        const { open, system } = await demoFor(t, "c", "--deployment", deployment, "--frames", "50", ...more);
        const page = await open(browser);
        await page.carries(transport);
        await listen(page);
        await page.until(`came.length >= 50 && !session.audio.isAgentSpeaking && ear.heard() > 0`);
        const { came, heard, silences, glitches } = await page.run(`return { came, heard: ear.heard(), silences: ear.silences(), ...(await session.audio.stats()) }`);
        // A machine that is busy may bring it too late for any player.
        const late = lateness(came);
        if (late < 60) assert.deepEqual([glitches, silences.filter((ms) => ms > BLOCK)], [0, []], `${late} ms late`);
        assert.ok(came.length === 50 && Math.abs(heard - 1) < 0.1, `${came.length} frames, ${heard} s`);
        assert.match((await page.texts(THEIRS)).at(-1), /^Spoke for /);

        // The fake microphone beeps, and the server sends back what it hears.
        await page.press("#voice-talk");
        await page.until(`session.audio.isAgentSpeaking && came.length > 60`);
        await page.press("#voice-talk");
        await page.carries(transport);
        assert.equal(system.log.all.some((line) => line.includes("POST /api/audio-upload 200")), transport === "sse");
        const codes = await page.read(`[...new Set([...document.querySelectorAll("${ERRORS}")].map(({ dataset }) => dataset.code))]`);
        assert.deepEqual(codes, told);
        assert.equal(system.log.all.filter((line) => line.includes("GET /api/health 503")).length, more.includes("--unhealthy") ? 1 : 0);
        await page.press("#session-close");
        await page.run(`await ear.close()`);
      });
    }

    for (const transport of ["webrtc", "websocket"]) {
      test(`D over ${transport}: five steps to a voice that asks, captions as it speaks, and what is written is answered`, async (t) => {
        const peer = await startServer({ more: ["--openai"] });
        t.after(() => peer.stop());
        const { open } = await demoFor(t, "d", "--upstream", `${peer.url}/openai/v1`, "--upstream-key", "demo", ...(transport === "webrtc" ? [] : ["--fail", "502", "--times", "1000", "--at", "exchange"]));
        const page = await open(browser);
        await page.carries(transport);
        await page.run(`
          window.captions = new Set();
          session.conversation.on("change", ({ captions: { agent } }) => captions.add(agent));
          session.audio.mute();`);
        await page.press("#voice-talk");
        await page.until(`[...document.querySelectorAll("#steps li")].every(({ dataset }) => dataset.is === "done") && captions.size > 3`);
        await page.until(`session.audio.isAgentSpeaking && document.querySelector("#voice-agent").dataset.on === "true"`);
        await page.write("#room-form", "stop");
        await page.until(`document.querySelectorAll('#room-log .them').length === 2 && document.querySelectorAll("#room-log .me").length === 1`);
        const lines = await page.read(`[...document.querySelectorAll("#room-log [data-id]")].map(({ className, dataset }) => [className, dataset.id])`);
        assert.deepEqual(lines.map(([who]) => who), ["them", "me", "them"]);
        const codes = await page.read(`[...new Set([...document.querySelectorAll("${ERRORS}")].map(({ dataset }) => dataset.code))]`);
        assert.deepEqual(codes, transport === "webrtc" ? [] : ["signaling_failed", "server_unavailable"]);
        await page.press("#session-close");
        await page.until(`session.state === "closed" && !document.querySelector("audio")`);
      });
    }
  });
}
