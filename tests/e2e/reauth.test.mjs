// Tokens that live shorter than their links: the server warns, the session hands over a fresh one, and the link stays.

import assert from "node:assert/strict";
import { after, before } from "node:test";

import { startServer } from "./support/server.mjs";
import { inBrowsers } from "./support/suite.mjs";

const WAYS = [{ transports: ["websocket"] }, { transports: ["sse"] }, { transports: ["sse"], eventSource: "native" }, { transports: ["long-poll"] }];
/** Milliseconds a token lives, and how many such lives a link is to last. */
const LIFE = 1_500;
const LIVES = 4;
const QUICK = { backoff: [50, 50, 50, 50] };

inBrowsers((world) => {
  let guarded;
  before(async () => {
    guarded = await startServer({ more: ["--require-token"], log: "trace" });
  });
  after(() => guarded?.stop());

  const api = () => `${guarded.url}/api/token`;

  /** Opens a session whose tokens are minted as they are asked for: `window.asked` are the reasons, `window.tokens` what was given. */
  const open = (evaluate, options, subjects = []) =>
    evaluate(async (api, life, options, subjects) => {
      window.asked = [];
      window.tokens = [];
      const mint = async (subject) => {
        const response = await fetch(api, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ subject, lifeMs: life }) });
        return (await response.json()).token;
      };
      const token = async ({ reason }) => {
        window.asked.push(reason);
        const subject = subjects[window.asked.length - 1] ?? "ann";
        if (subject === "nobody") throw new Error("no token today");
        const token = await mint(subject);
        window.tokens.push(token);
        return token;
      };
      window.opened = await harness.connected({ ...options, token });
    }, api(), LIFE, options, subjects);

  for (const way of WAYS) {
    const name = `${way.transports}${way.eventSource ? " by EventSource" : ""}`;
    const options = (more) => ({ url: `${guarded.faulty}/realtime`, ...way, ...more });

    world.check(`${name}: a link outlives many tokens without a reconnect, and no token is told to anybody`, async (evaluate, t) => {
      await open(evaluate, options());
      const seen = await evaluate(async (lives) => {
        const { session, record } = window.opened;
        const replies = [];
        for (let n = 0; window.asked.length <= lives; n++) {
          replies.push((await session.request("ECHO", n)) === n);
          await harness.sleep(50);
        }
        await harness.until(() => window.tokens.length === window.asked.length);
        replies.push((await session.request("ECHO", "last")) === "last");
        const { lost, attempts } = session.stats();
        const explanation = session.explain();
        await session.close();
        const urls = performance.getEntriesByType("resource").map(({ name }) => name);
        return {
          asked: window.asked, tokens: window.tokens, replied: replies.every(Boolean), lost, attempts, errors: record.errors,
          texts: JSON.stringify([urls, record, explanation, harness.told.all, Object.entries(sessionStorage), Object.entries(localStorage)]),
        };
      }, LIVES);
      assert.deepEqual(seen.asked, ["connect", ...Array(LIVES).fill("expiring")], "once for each warning");
      assert.deepEqual([seen.replied, seen.lost, seen.attempts, seen.errors], [true, 0, 1, []]);
      assert.equal(new Set(seen.tokens).size, LIVES + 1);
      const logs = JSON.stringify([guarded.log, await guarded.faultLog()]);
      assert.match(logs, /TRACE/, "the log tells all it can");
      t.diagnostic(`${guarded.log.length} lines of log`);
      for (const token of seen.tokens) {
        assert.ok(!seen.texts.includes(token), "the token is nowhere in what the page can see");
        assert.ok(!logs.includes(token), `the token is nowhere in the logs: ${guarded.log.find((line) => line.includes(token))?.slice(0, 300)}`);
      }
    });

    world.check(`${name}: a token function that fails when the token expires is named, and asked again`, async (evaluate) => {
      await open(evaluate, options({ timing: QUICK }), ["ann", "nobody"]);
      const seen = await evaluate(async () => {
        const { session, record } = window.opened;
        await harness.until(() => record.errors.length);
        await harness.until(() => window.tokens.length > 1 && session.state === "connected", 15_000, () => JSON.stringify([window.asked, session.explain()]));
        const echo = await session.request("ECHO", "still there");
        await session.close();
        return { echo, error: record.errors[0], gaps: record.gaps, asked: window.asked };
      });
      assert.equal(seen.echo, "still there");
      assert.deepEqual([seen.error.code, seen.error.terminal, seen.gaps], ["token", false, 0]);
      assert.match(seen.error.cause ?? "", /no token today/);
      assert.equal(seen.asked[1], "expiring");
    });

    world.check(`${name}: another subject's token ends the link by name, and the right one is let in`, async (evaluate) => {
      await open(evaluate, options({ timing: QUICK }), ["ann", "bob"]);
      const seen = await evaluate(async () => {
        const { session, record } = window.opened;
        const ended = () => record.states.find(({ error }) => error);
        await harness.until(ended, 15_000, () => JSON.stringify([window.asked, session.explain()]));
        // A WebSocket's 4403 ends the session; 403 says that this link is not allowed, and the next token may be.
        await harness.until(() => session.state === "failed" || session.state === "connected");
        const { state } = session;
        if (state === "connected") await session.request("ECHO", "again");
        await session.close();
        return { state, error: ended().error, asked: window.asked, gaps: record.gaps };
      });
      const stops = name === "websocket";
      assert.deepEqual([seen.error.code, seen.error.terminal, seen.state, seen.gaps], ["forbidden", stops, stops ? "failed" : "connected", 0]);
      assert.deepEqual(seen.asked.slice(0, 3), stops ? ["connect", "expiring"] : ["connect", "expiring", "connect"]);
      await open(evaluate, options());
      const echo = await evaluate(async () => {
        const { session } = window.opened;
        const echo = await session.request("ECHO", "next");
        await session.close();
        return echo;
      });
      assert.equal(echo, "next");
    });
  }

  world.check("a token that expires unnoticed, since its function is slow, is replaced by a fresh one", async (evaluate) => {
    await evaluate(async (api, life, url, timing) => {
      window.asked = [];
      const token = async ({ reason }) => {
        window.asked.push(reason);
        // The first warning is answered after the link's end.
        if (window.asked.length === 2) await harness.until(() => window.opened.session.stats().lost);
        const response = await fetch(api, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ subject: "ann", lifeMs: life }) });
        return (await response.json()).token;
      };
      window.opened = await harness.connected({ url, timing, transports: ["websocket"], token });
    }, api(), LIFE, `${guarded.url}/realtime`, QUICK);
    const seen = await evaluate(async () => {
      const { session, record } = window.opened;
      await harness.until(() => session.stats().lost && session.state === "connected", 15_000, () => JSON.stringify([window.asked, session.explain()]));
      const echo = await session.request("ECHO", "back");
      await session.close();
      return { echo, gaps: record.gaps, terminal: record.errors.filter(({ terminal }) => terminal) };
    });
    assert.deepEqual(seen, { echo: "back", gaps: 0, terminal: [] });
  });
});
