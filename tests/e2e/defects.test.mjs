// Defects that realtime libraries have had and mended, each staged for real: none is ours. What needs no browser is among
// the core's scenarios.

import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

import { CORS, READY, answer, startHostile } from "./support/hostile.mjs";
import { stopped } from "./support/processes.mjs";
import { inBrowsers } from "./support/suite.mjs";

const WAYS = [{ transports: ["sse"] }, { transports: ["sse"], eventSource: "native" }, { transports: ["long-poll"] }, { transports: ["websocket"] }];
const QUICK = { backoff: [50, 50, 50, 50] };

inBrowsers((world) => {
  const direct = () => `${world.server.url}/realtime`;
  const faulty = () => `${world.server.faulty}/realtime`;

  for (const way of WAYS) {
    const name = `${way.transports}${way.eventSource ? " by EventSource" : ""}`;
    world.check(`${name}: a character of several bytes is split over chunks`, async (evaluate) => {
      await world.server.faults({ kind: "slow-drip", bytes: 3, ms: 1, on: ["websocket", "sse", "poll"] });
      const texts = ["🦆".repeat(50), "zażółć gęślą jaźń ".repeat(10), "日本語\u2028".repeat(20)];
      const seen = await evaluate(async (options, texts) => {
        const { session, record } = await harness.connected(options);
        const echoes = [];
        for (const text of texts) {
          const echo = session.waitFor("ECHO");
          await session.send("ECHO", text);
          echoes.push(await echo);
        }
        await session.close();
        return { echoes, errors: record.errors };
      }, { url: faulty(), timing: { proof: 20_000 }, ...way }, texts);
      assert.deepEqual(seen, { echoes: texts, errors: [] });
    });
  }

  world.check("a hung POST holds one of the host's connections, not all", async (evaluate) => {
    await evaluate(async (options) => {
      window.opened = await harness.connected(options);
      await window.opened.session.send("ECHO", -1);
    }, { url: faulty(), transports: ["sse"], timing: QUICK });
    await world.server.faults({ kind: "post-hang" });
    await evaluate(() => {
      window.sends = Array.from({ length: 20 }, (_, n) => window.opened.session.send("ECHO", n));
    });
    await world.server.until(({ post }) => post.live > 0);
    await evaluate(async (health) => {
      const response = await fetch(health, { signal: AbortSignal.timeout(5_000) });
      if (!response.ok) throw new Error(response.status);
    }, `${world.server.faulty}/api/health`);
    assert.equal((await world.server.connections()).post.live, 1);
    await world.server.faults();
    await world.server.cut("post");
    const seen = await evaluate(async () => {
      const { session, record } = window.opened;
      await Promise.all(window.sends);
      const echoes = () => record.messages.map(({ payload }) => payload);
      await harness.until(() => echoes().includes(19));
      await session.close();
      return { echoes: echoes(), gaps: record.gaps };
    });
    assert.deepEqual(seen, { echoes: Array.from({ length: 21 }, (_, i) => i - 1), gaps: 0 });
  });

  for (const transport of ["sse", "long-poll"]) {
    world.check(`${transport}: a POST that is answered 404 means that the link is gone, not the session`, async (evaluate) => {
      await evaluate(async (options) => {
        window.opened = await harness.connected(options);
        await window.opened.session.send("ECHO", 0);
      }, { url: faulty(), transports: [transport], timing: QUICK });
      await world.server.faults({ kind: "post-404" });
      await evaluate(async () => {
        const { session, record } = window.opened;
        window.sends = [1, 2, 3].map((n) => session.send("ECHO", n));
        await harness.until(() => record.states.some(({ to }) => to === "reconnecting" || to === "failed"));
      });
      await world.server.faults();
      const seen = await evaluate(async () => {
        const { session, record } = window.opened;
        await harness.until(() => session.state === "connected" || session.state === "failed", 15_000, () => session.state);
        await Promise.all(window.sends);
        await harness.until(() => record.messages.length >= 4);
        await session.close();
        return { echoes: record.messages.map(({ payload }) => payload), gaps: record.gaps };
      });
      assert.deepEqual(seen, { echoes: [0, 1, 2, 3], gaps: 0 });
    });
  }

  world.check("a token that comes after the session was closed opens nothing", async (evaluate) => {
    const opened = async () => Object.values(await world.server.connections()).reduce((sum, { opened }) => sum + opened, 0);
    const before = await opened();
    const seen = await evaluate(async (url, direct) => {
      let give;
      let asked;
      const token = ({ signal }) => ((asked = signal), new Promise((resolve) => (give = resolve)));
      const { session, record } = await harness.open({ url, token });
      await harness.until(() => give);
      await session.close();
      give("dev-late");
      const other = await harness.connected({ url: direct });
      await other.session.close();
      return { state: session.state, aborted: asked.aborted, errors: record.errors, attempts: session.stats().attempts };
    }, faulty(), direct());
    assert.deepEqual(seen, { state: "closed", aborted: true, errors: [], attempts: 0 });
    assert.equal(await opened(), before);
  });

  world.check("whoever waits when the session ends is told, and who gave up takes nothing from the next", async (evaluate) => {
    const seen = await evaluate(async (url) => {
      const { session } = await harness.connected({ url });
      const early = await harness.outcome(session.waitFor("ECHO", { timeout: 1 }));
      const control = new AbortController();
      const late = harness.outcome(session.request("ECHO", "late", { signal: control.signal }));
      control.abort();
      await session.send("ECHO", "kept");
      const kept = await session.waitFor("ECHO");
      const messages = session.messages();
      const waiting = [session.waitFor("NOTHING"), session.waitFor("NOTHING", { timeout: 60_000 }), messages.next()].map(harness.outcome);
      await session.close();
      waiting.push(harness.outcome(session.waitFor("NOTHING", { timeout: 100 })), harness.outcome(messages.next()));
      return { early: early.error.code, late: (await late).error.code, kept, waiting: await Promise.all(waiting) };
    }, direct());
    const { waiting } = seen;
    assert.deepEqual([seen.early, seen.late, seen.kept], ["timeout", "aborted", "kept"]);
    assert.deepEqual(waiting.slice(0, 2).map(({ error }) => error?.code), ["closed", "closed"]);
    assert.ok(["closed", "timeout"].includes(waiting[3].error?.code));
    assert.deepEqual([waiting[2].value.done, waiting[4].value.done], [true, true]);
  });

  world.check("a socket that is half closed when the browser says offline is found out", async (evaluate) => {
    const hostile = await startHostile();
    try {
      // It greets, and neither answers nor closes from then on.
      hostile.script.units = [READY];
      const seen = await evaluate(async (url) => {
        const { session } = await harness.connected({ url, transports: ["websocket"] });
        dispatchEvent(new Event("offline"));
        await harness.until(() => session.stats().lost, 15_000, () => JSON.stringify(session.explain()));
        await harness.until(() => session.state === "connected");
        const { attempts } = session.explain();
        await session.close();
        return attempts[0].code;
      }, `${hostile.url}/realtime`);
      assert.equal(seen, "half_open");
    } finally {
      hostile.close();
    }
  });

  world.check("a stream that falls silent is found out, although POSTs are answered", async (evaluate) => {
    const hostile = await startHostile();
    try {
      hostile.script.answer = async (request, response) => {
        if (request.method === "GET") {
          response.writeHead(200, { ...CORS, "Content-Type": "text/event-stream" });
          return response.write(`data: ${READY.replace("15000", "500")}\n\n`);
        }
        const numbers = [...(await text(request)).matchAll(/\[(\d+),"ECHO"/g)].map(([, n]) => Number(n));
        answer(response, 200, { "Content-Type": "application/json" }, numbers.length ? `[["ack",${Math.max(...numbers)}]]` : "[]");
      };
      const seen = await evaluate(async (url) => {
        const { session } = await harness.connected({ url, transports: ["sse"] });
        const timer = setInterval(() => session.send("ECHO").catch(() => {}), 50);
        await harness.until(() => session.stats().lost, 10_000, () => JSON.stringify(session.explain()));
        clearInterval(timer);
        const { attempts } = session.explain();
        await session.close();
        return attempts[0].code;
      }, `${hostile.url}/realtime`);
      assert.equal(seen, "half_open");
    } finally {
      hostile.close();
    }
  });

  world.check("a handshake that was answered while the page did not run is taken, not judged late", async (evaluate) => {
    await world.server.faults({ kind: "delay", ms: 500 });
    await evaluate(async (url) => {
      window.opened = await harness.open({ url, transports: ["websocket"] });
      await harness.until(() => window.opened.session.explain().attempts.length);
    }, faulty());
    await stopped(world.name, false, () => sleep(4_000));
    const seen = await evaluate(async () => {
      const { session, record } = window.opened;
      await harness.until(() => session.state === "connected", 15_000, () => JSON.stringify(session.explain()));
      const { attempts } = session.stats();
      await session.close();
      return { attempts, errors: record.errors };
    });
    assert.deepEqual(seen, { attempts: 1, errors: [] });
  });

  world.check("what is replayed does not reach a listener that was taken off meanwhile", async (evaluate) => {
    await evaluate(async (url, timing) => {
      window.opened = await harness.connected({ url, transports: ["websocket"], timing });
      const { session } = window.opened;
      window.heard = [];
      window.off = session.on("COMMENT", ({ text }) => window.heard.push(text));
      await session.request("ECHO", "before");
      await session.send("SUBSCRIBE", { topic: "shows/defects" });
      await session.waitFor("STATUS");
    }, faulty(), QUICK);
    await world.server.faults({ kind: "down" });
    await evaluate(() => harness.until(() => window.opened.session.state === "reconnecting"));
    const feed = world.server.publish("defects");
    await sleep(200);
    const published = await feed.stop();
    await evaluate(() => window.off());
    await world.server.faults();
    const seen = await evaluate(async (published) => {
      const { session, record } = window.opened;
      const comments = () => record.messages.filter(({ type }) => type === "COMMENT").length;
      await harness.until(() => comments() >= published);
      await session.close();
      return { heard: window.heard, comments: comments() };
    }, published);
    assert.deepEqual(seen, { heard: [], comments: published });
  });
});
