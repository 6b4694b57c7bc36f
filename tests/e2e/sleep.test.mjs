// Pages that do not run for a while, and networks that go: on waking the link is proven or replaced, nothing is lost or doubled either
// way, and no alarm is believed for being late. How long it took is told, not judged.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { stopped } from "./support/processes.mjs";
import { startServer } from "./support/server.mjs";
import { inBrowsers } from "./support/suite.mjs";

const TRANSPORTS = ["websocket", "sse", "long-poll"];
/** The server's heartbeat, and a nap of more than 2.5 of them. */
const HEARTBEAT = 1_000;
const NAP = 4_000;

/** A hidden page's alarms ring this seldom: as far over the heartbeat as a minute is over 15 s. */
const THROTTLE = 4 * HEARTBEAT;
/** How long a page is really hidden. */
const HIDDEN = Number(process.env.THROUGHLINE_HIDDEN_SECONDS ?? 8) * 1_000;

const ALL = ["chromium", "firefox", "webkit"];
const OFFLINE = { offline: true, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
const ONLINE = { ...OFFLINE, offline: false };

/** Ways to put a page to sleep: what it is, where it can be done, and how. */
const NAPS = [
  {
    title: "a page that was frozen",
    browsers: ["chromium"],
    async nap({ driver }) {
      await driver.sendDevToolsCommand("Page.setWebLifecycleState", { state: "frozen" });
      await sleep(NAP);
      await driver.sendDevToolsCommand("Page.setWebLifecycleState", { state: "active" });
    },
  },
  {
    title: "a page whose process did not run, so that overdue alarms ring beside queued data,",
    browsers: ALL,
    nap: ({ name }) => stopped(name, false, () => sleep(NAP)),
  },
  { title: "a machine that slept", browsers: ALL, nap: ({ name }) => stopped(name, true, () => sleep(NAP)) },
  {
    title: "a clock that jumped by an hour",
    browsers: ALL,
    nap: (browser) =>
      browser.evaluate(() => {
        const { now } = performance;
        const date = Date.now;
        performance.now = () => now.call(performance) + 3_600_000;
        Date.now = () => date() - 3_600_000;
      }),
  },
];

let shows = 0;

inBrowsers((world) => {
  const faulty = () => `${world.server.faulty}/realtime`;

  /** Starts to talk both ways over `options`; `end` checks that all that was said arrived once. */
  async function talk(evaluate, t, options) {
    const show = `sleep-${++shows}`;
    await evaluate(async (options, show) => {
      window.opened = await harness.connected(options);
      window.talk = await harness.talk(window.opened.session, show);
      await harness.until(() => window.talk.heard.echoes.length > 5);
    }, options, show);
    const feed = world.server.publish(show);
    t.after(() => feed.stop().catch(() => {}));
    /** Waits until the link has been proven since the page woke last. */
    const proven = () =>
      evaluate(async () => {
        const { session } = window.opened;
        const { heard } = window.talk;
        const woke = heard.wakes.at(-1)?.at ?? harness.now();
        await harness.until(() => session.state === "connected" && heard.proofs.some((at) => at >= woke), 30_000, () => JSON.stringify(session.explain()));
      });
    const end = async () => {
      const published = await feed.stop();
      const seen = await evaluate(async (published) => {
        const { session, record } = window.opened;
        const came = await window.talk.end(published);
        const explanation = session.explain();
        const { lost } = session.stats();
        await session.close();
        return { ...came, explanation, lost, gaps: record.gaps, errors: record.errors, states: record.states.map(({ to }) => to) };
      }, published);
      assert.deepEqual([seen.up, seen.down, seen.gaps], [true, true, 0], "each message once, in order, both ways");
      assert.deepEqual(seen.refused, []);
      assert.deepEqual(seen.errors.filter(({ terminal }) => terminal), []);
      assert.ok(!seen.states.includes("failed"));
      const slept = seen.slept ? `slept ${Math.round(seen.slept)} ms, proven ${Math.round(seen.provenAfter)} ms after waking, ` : "";
      t.diagnostic(`${slept}${seen.lost} links lost`);
      return seen;
    };
    return { proven, end };
  }

  // What a transport does about a sleep is the same code everywhere: one browser naps on each of them.
  for (const transport of world.name === "chromium" ? TRANSPORTS : TRANSPORTS.slice(0, 1)) {
    const options = () => ({ url: faulty(), transports: [transport] });

    for (const { title, browsers, nap } of NAPS) {
      if (!browsers.includes(world.name)) continue;
      world.check(`${transport}: ${title} loses and doubles nothing`, async (evaluate, t) => {
        const { proven, end } = await talk(evaluate, t, options());
        await nap(world.browser);
        await proven();
        await end();
      });
    }

    world.check(`${transport}: a hidden page whose alarms ring late keeps its link`, async (evaluate, t) => {
      await evaluate((throttle) => {
        const { setTimeout } = window;
        let hidden = false;
        Object.defineProperty(document, "visibilityState", { get: () => (hidden ? "hidden" : "visible") });
        window.hide = (is) => {
          hidden = is;
          document.dispatchEvent(new Event("visibilitychange"));
        };
        window.setTimeout = (act, ms = 0) => setTimeout(act, hidden ? Math.ceil((performance.now() + ms) / throttle) * throttle - performance.now() : ms);
      }, THROTTLE);
      const { proven, end } = await talk(evaluate, t, options());
      await evaluate(() => window.hide(true));
      await sleep(3 * THROTTLE);
      await evaluate(() => window.hide(false));
      await proven();
      const { lost, explanation } = await end();
      assert.equal(lost, 0, JSON.stringify(explanation));
    });

    world.check(`${transport}: a page behind another tab keeps its link`, async (evaluate, t) => {
      const { driver } = world.browser;
      await evaluate(() => {
        window.views = [];
        document.addEventListener("visibilitychange", () => window.views.push(document.visibilityState));
      });
      const { proven, end } = await talk(evaluate, t, options());
      const front = await driver.getWindowHandle();
      await driver.switchTo().newWindow("tab");
      await sleep(HIDDEN);
      await driver.close();
      await driver.switchTo().window(front);
      await proven();
      t.diagnostic(`the page was ${(await evaluate(() => window.views)).join(", then ") || "visible all the time"}`);
      const { lost, explanation } = await end();
      assert.equal(lost, 0, JSON.stringify(explanation));
    });

    /** Takes a page's network away, or gives it back: to new connections and to its own eyes. */
    const network = async (evaluate, online) => {
      const { driver } = world.browser;
      if (world.name !== "chromium") return evaluate((name) => dispatchEvent(new Event(name)), online ? "online" : "offline");
      await driver.sendDevToolsCommand("Network.enable", {});
      await driver.sendDevToolsCommand("Network.emulateNetworkConditions", online ? ONLINE : OFFLINE);
    };

    world.check(`${transport}: a page offline and online again goes on with its session`, async (evaluate, t) => {
      const { proven, end } = await talk(evaluate, t, options());
      await world.server.faults({ kind: "down" });
      await network(evaluate, false);
      try {
        await evaluate(() => harness.until(() => window.opened.session.state === "reconnecting"));
        await sleep(NAP);
      } finally {
        await world.server.faults();
        await network(evaluate, true);
      }
      await proven();
      const { lost } = await end();
      assert.ok(lost >= 1);
    });

    world.check(`${transport}: a page that is told offline by mistake keeps its link`, async (evaluate, t) => {
      const { proven, end } = await talk(evaluate, t, options());
      await evaluate(() => dispatchEvent(new Event("offline")));
      await proven();
      const { lost } = await end();
      assert.equal(lost, 0);
    });

    world.check(`${transport}: a page that is left and come back to has its session, or a whole new one`, async (evaluate, t) => {
      const { driver } = world.browser;
      const { proven, end } = await talk(evaluate, t, options());
      await evaluate(() => addEventListener("pageshow", ({ persisted }) => (window.persisted = persisted)));
      await world.browser.open(world.site.page());
      await sleep(NAP);
      await driver.navigate().back();
      const kept = await evaluate(() => window.persisted === true);
      t.diagnostic(kept ? "the browser kept the page" : "the browser made the page anew");
      if (kept) {
        await proven();
        return end();
      }
      const seen = await evaluate(async (options) => {
        const { session, record } = await harness.connected(options);
        const echo = await session.request("ECHO", "anew");
        await session.close();
        return { echo, gaps: record.gaps, states: record.states.map(({ to }) => to) };
      }, options());
      assert.deepEqual(seen, { echo: "anew", gaps: 0, states: ["connecting", "connected", "closing", "closed"] });
    }, { page: { keep: 1 } });
  }

  world.check("a machine that slept past the server's window is told that history is lost", async (evaluate) => {
    const server = await startServer({ more: ["--heartbeat", "500", "--window", "1000"] });
    try {
      await evaluate(async (url) => {
        window.opened = await harness.connected({ url, transports: ["websocket"] });
        await window.opened.session.request("ECHO", "before");
      }, `${server.url}/realtime`);
      await stopped(world.name, true, () => sleep(NAP));
      const seen = await evaluate(async () => {
        const { session, record } = window.opened;
        await harness.until(() => record.gaps && session.state === "connected", 15_000, () => JSON.stringify(session.explain()));
        const echo = await session.request("ECHO", "after");
        await session.close();
        return { echo, gaps: record.gaps, terminal: record.errors.filter(({ terminal }) => terminal) };
      });
      assert.deepEqual(seen, { echo: "after", gaps: 1, terminal: [] });
    } finally {
      await server.stop();
    }
  });
}, { more: ["--heartbeat", String(HEARTBEAT)] });
