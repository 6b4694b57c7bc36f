// The recipes in docs/recipes, run as they stand against the servers of the apps that they are for.

import assert from "node:assert/strict";

import { systemFor } from "../systems/support/start.mjs";
import { BROWSERS } from "./support/browsers.mjs";
import { recipe } from "./support/recipe.mjs";
import { inBrowsers } from "./support/suite.mjs";

inBrowsers((world) => {
  for (const [flag, buildWsUrl] of [[undefined, undefined], ["--upgrade-required", undefined], ["--http-only", "null"]]) {
    world.check(`A ${flag ?? "with its WebSocket"}: asked and answered by the same hook, warned once of what is missing`, async (evaluate, t) => {
      const { url } = await systemFor(t, "a", ...(flag ? [flag] : []));
      const code = await recipe("a", ["After", "The same hook"], world.site);
      const seen = await evaluate(async (code, url, without) => {
        const { realtimeInterviewSession } = await harness.module(code);
        const [events, statuses] = [[], []];
        const client = realtimeInterviewSession({
          api: `${url}/api/interview-v2`, onEvent: (event) => events.push(event), onStatus: (status) => statuses.push(status), ...(without && { buildWsUrl: () => null }),
        });
        await harness.until(() => events.some(({ type }) => type === "text"));
        await client.sendText("hello");
        await harness.until(() => events.filter(({ type }) => type === "text").length === 2);
        await client.sendAudio(new Uint8Array([1, 2, 255]));
        await harness.until(() => events.some((event) => event instanceof Uint8Array || event.audio === "AQL/"));
        await client.close();
        return { types: events.map(({ type }) => type ?? "bytes"), statuses, warnings: harness.told.warnings };
      }, code, url, buildWsUrl === "null");
      assert.deepEqual(seen.types, ["session", "text", "text", flag ? "audio" : "bytes"]);
      assert.deepEqual(seen.statuses, ["connecting", "connected", "closing", "closed"].slice(seen.statuses[0] === "connecting" ? 0 : 1));
      assert.deepEqual(seen.warnings.map((line) => /^throughline: .*websocket/.test(line)), flag ? [true] : [], seen.warnings.join("\n"));
    });
  }

  world.check("B: the interview step by step, and a wait in vain", async (evaluate, t) => {
    const [{ url }, echo] = await Promise.all([systemFor(t, "b", "--delay-scale", "0.1"), systemFor(t, "b", "--echo")]);
    const code = await recipe("b", ["After", "Step by step"], world.site);
    const seen = await evaluate(async (code, url, echo) => {
      const { connectInterview, interview } = await harness.module(code);
      const done = await interview(connectInterview({ url: `${url}/ws`, interviewId: "i1" }));
      const session = connectInterview({ url: `${echo}/ws` });
      const vain = await harness.outcome(session.waitFor("WELCOME", { timeout: 300 }));
      await session.close();
      return { done, vain };
    }, code, url, echo.url);
    assert.match(seen.done.resultsUrl, new RegExp(`^/results/${seen.done.sessionId}$`));
    assert.equal(seen.vain.error.code, "timeout");
  });

  world.check("E: each comment once, over the stream, over polls, and over the stream again", async (evaluate, t) => {
    const { url } = await systemFor(t, "e", "--token", "t1", "--heartbeat", "100");
    const code = await recipe("e", ["After"], world.site);
    const seen = await evaluate(async (code, url) => {
      const { watchShow } = await harness.module(code);
      const { fetch } = window;
      let streams = true;
      const open = new Set();
      // What stands between lets no stream through for a while.
      window.fetch = async (address, init) => {
        if (!String(address).endsWith("/stream")) return fetch(address, init);
        if (!streams) throw new TypeError("cut off");
        const cut = new AbortController();
        open.add(cut);
        return fetch(address, { ...init, signal: AbortSignal.any([init.signal, cut.signal]) });
      };
      const [texts, signs] = [[], []];
      const session = watchShow("demo", {
        api: url, getToken: () => "t1", onEvent: ({ text }) => texts.push(text), setConnected: (on) => signs.push(on), interval: 50, heartbeat: 100,
      });
      const emit = (text) => fetch(`${url}/api/debug/emit-comment`, { method: "POST", body: JSON.stringify({ text }) });
      const carried = async (transport, text) => {
        await harness.until(() => session.transport === transport);
        await emit(text);
        await harness.until(() => texts.includes(text));
      };
      await carried("sse", "one");
      streams = false;
      for (const cut of open) cut.abort();
      await emit("between");
      await carried("long-poll", "two");
      streams = true;
      dispatchEvent(new Event("online"));
      await carried("sse", "three");
      await session.close();
      window.fetch = fetch;
      await harness.until(async () => (await (await fetch(`${url}/api/clients`)).json()).clients === 0);
      return { texts, signs };
    }, code, url);
    assert.deepEqual(seen.texts, ["one", "between", "two", "three"]);
    assert.deepEqual([seen.signs.includes(true), seen.signs.at(-1)], [true, false]);
  });

  world.check("Observing: an error tracker hears what matters, and the log says when and where", async (evaluate, t) => {
    const { url } = await systemFor(t, "b", "--delay-scale", "0.1");
    const headings = ["An error tracker", "A log with times and addresses", "How long each phase took"];
    const code = `export { connect } from "${world.site.url}/throughline.js";\n${await recipe("observing", headings, world.site)}`;
    const seen = await evaluate(async (code, url) => {
      const { connect, report, trace, phases } = await harness.module(code);
      const [issues, crumbs] = [[], []];
      const tracker = { captureException: (error, context) => issues.push({ code: error.code, ...context }), addBreadcrumb: (crumb) => crumbs.push(crumb) };
      const session = connect({
        endpoints: { sse: `${url}/no-such-stream`, websocket: `${url}/ws?secret=1`, send: null }, transports: ["sse", "websocket"], remember: false,
        dialect: { name: "json", ready: "SESSION_CREATED", hello: { type: "START_INTERVIEW" }, errors: { type: "ERROR" } },
      });
      const stop = report(session, tracker);
      await session.waitFor("SESSION_CREATED");
      await session.send("NO_SUCH_TYPE");
      await harness.until(() => issues.length === 1);
      const [log, times] = [trace(session), phases(session)];
      stop();
      await session.close();
      return { issues, crumbs, log, times };
    }, code, url);
    const [{ code: reported, extra, tags }] = seen.issues;
    assert.deepEqual([reported, extra.explain.state, Object.keys(tags)], ["server_error", "connected", ["code", "status", "transport"]]);
    assert.ok(seen.crumbs.some(({ data }) => data?.code === "not_found" && data.status === 404), JSON.stringify(seen.crumbs));
    const changes = seen.crumbs.map(({ message }) => message).filter((message) => message.includes("→"));
    assert.deepEqual(changes, ["idle → connecting", "none → websocket", "connecting → connected"]);
    assert.match(seen.log.find((line) => line.includes(" ready ")), /^\d{4}-\d\d-\d\dT[\d:.]+Z ready websocket http:\/\/127\.0\.0\.1:\d+\/ws \d+ ms$/);
    assert.ok(seen.log.some((line) => line.includes("/no-such-stream not_found")), seen.log.join("\n"));
    assert.deepEqual(seen.times.map(([name]) => name).sort(), ["before", "open", "ready", "take"]);
  });
}, { browsers: BROWSERS.filter((name) => name !== "webkit") });
