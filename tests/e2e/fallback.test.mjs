// What becomes of a session when a transport is broken on the way: it ends connected on one that works, and says why.
// Times are the bench's business: here the bounds are generous.

import assert from "node:assert/strict";

import { inBrowsers } from "./support/suite.mjs";

const WEBSOCKET_FAULTS = [
  { title: "refused with 403", rules: [{ kind: "refuse403" }], codes: ["refused", "forbidden"] },
  { title: "reset", rules: [{ kind: "rst" }], codes: ["refused"] },
  { title: "left hanging", rules: [{ kind: "hang" }], codes: ["hang"], timing: { open: 1_000 } },
  { title: "accepted and swallowed", rules: [{ kind: "swallow" }], codes: ["superseded", "swallowed"] },
  { title: "cut at once after passing bytes", rules: [{ kind: "flap", ms: 100, pass: true }], codes: ["flapped"] },
  { title: "cut at once without passing bytes", rules: [{ kind: "flap", ms: 100, pass: false }], codes: ["flapped"] },
];

inBrowsers((world) => {
  /** Connects through the faulty front, has a message echoed on a link that lasts, and tells of it. */
  const reach = (evaluate, options) =>
    evaluate(async (options) => {
      const { session, record } = await harness.open(options);
      const echoes = [];
      session.on("ECHO", (payload) => echoes.push(payload));
      const sends = [];
      session.on("state", ({ to }) => to === "connected" && sends.push(harness.outcome(session.send("ECHO", { n: sends.length }))));
      const steady = async () => {
        if (session.state !== "connected" || !echoes.length) return false;
        const { transport } = session;
        await harness.sleep(1_500);
        return session.state === "connected" && session.transport === transport;
      };
      await harness.until(steady, 30_000, "a link that lasts").catch((error) => {
        throw new Error(`${error.message}: ${JSON.stringify([session.explain(), record])}`);
      });
      session.on("message", ({ type, payload }) => type === "ECHO" && payload.late && record.late++);
      record.late = 0;
      await session.send("ECHO", { late: true });
      await harness.until(() => record.late, 10_000, "a late echo");
      const { transport } = session;
      const explanation = session.explain();
      const decided = await Promise.all(sends);
      await session.close();
      return { transport, explanation, echoes, record, decided, stats: session.stats() };
    }, options);

  const held = (seen, transport, codes) => {
    assert.equal(seen.transport, transport);
    const failed = seen.explanation.attempts.filter(({ transport, code }) => transport === "websocket" && code);
    assert.ok(failed.length > 0, "the account names the failed attempt");
    assert.ok(codes.includes(failed[0].code), `${failed[0].code} is one of ${codes}: ${seen.explanation.summary}`);
  };

  for (const { title, rules, codes, timing } of WEBSOCKET_FAULTS) {
    world.check(`a WebSocket that is ${title} gives way to another transport`, async (evaluate) => {
      await world.server.faults(...rules);
      const seen = await reach(evaluate, { url: `${world.server.faulty}/realtime`, timing });
      held(seen, "sse", codes);
      const numbers = seen.echoes.map(({ n }) => n).filter((n) => n !== undefined);
      assert.deepEqual(numbers, [...new Set(numbers)], "nothing comes twice");
      assert.ok(seen.decided.every(({ error }) => !error), "every send was delivered");
    });
  }

  world.check("a muted event stream gives way to long polling", async (evaluate) => {
    await world.server.faults({ kind: "mute-sse" });
    const seen = await reach(evaluate, { url: `${world.server.faulty}/realtime`, transports: ["sse", "long-poll"] });
    assert.equal(seen.transport, "long-poll");
    const [first] = seen.explanation.attempts;
    assert.equal(first.transport, "sse");
    assert.ok(["muted", "superseded"].includes(first.code), first.code);
  });

  world.check("a muted event stream that is used alone is named as such", async (evaluate) => {
    await world.server.faults({ kind: "mute-sse" });
    const errors = await evaluate(async (url) => {
      const { session, record } = await harness.open({ url, transports: ["sse"] });
      await harness.until(() => record.errors.length, 15_000);
      await session.close();
      return record.errors;
    }, `${world.server.faulty}/realtime`);
    assert.deepEqual([errors[0].code, errors[0].transport, errors[0].terminal], ["muted", "sse", false]);
    assert.match(errors[0].remediation, /buffering/);
  });

  world.check("with a swallowing WebSocket and a muted stream, long polling carries the session", async (evaluate) => {
    await world.server.faults({ kind: "swallow" }, { kind: "mute-sse" });
    const seen = await reach(evaluate, { url: `${world.server.faulty}/realtime` });
    held(seen, "long-poll", ["superseded", "swallowed"]);
  });

  world.check("native EventSource falls back as well", async (evaluate) => {
    await world.server.faults({ kind: "refuse403", on: ["sse"] }, { kind: "rst" });
    const seen = await reach(evaluate, { url: `${world.server.faulty}/realtime`, eventSource: "native" });
    held(seen, "long-poll", ["refused"]);
  });

  world.check("a link that is cut is mended, and nothing is lost or doubled", async (evaluate) => {
    const cuts = evaluate(async (url) => {
      const { session, record } = await harness.connected({ url, timing: { backoff: [50, 100, 200, 400] } });
      window.session = session;
      const numbers = [];
      session.on("ECHO", (n) => numbers.push(n));
      const sends = [];
      for (let n = 0; n < 300; n++) {
        sends.push(session.send("ECHO", n));
        await harness.sleep(10);
      }
      await Promise.all(sends);
      await harness.until(() => numbers.length >= 300, 20_000, () => numbers.length);
      const { lost, duplicates } = session.stats();
      await session.close();
      return { ordered: numbers.every((n, i) => n === i), count: numbers.length, lost, duplicates, gaps: record.gaps };
    }, `${world.server.faulty}/realtime`);
    const cutter = setInterval(() => world.server.cut("websocket", "sse", "poll").catch(() => {}), 700);
    const seen = await cuts.finally(() => clearInterval(cutter));
    assert.deepEqual([seen.ordered, seen.count, seen.gaps], [true, 300, 0]);
    assert.ok(seen.lost >= 2, `${seen.lost} links lost`);
  });

  for (const { title, rules } of WEBSOCKET_FAULTS.filter(({ rules: [{ kind }] }) => kind !== "swallow")) {
    world.check(`json: a WebSocket that is ${title} gives way to another transport`, async (evaluate) => {
      await world.server.faults(...rules);
      const url = `${world.server.faulty}/json?client=${Math.random().toString(36).slice(2)}`;
      const seen = await reach(evaluate, { url, dialect: "json" });
      assert.equal(seen.transport, "sse");
      assert.ok(seen.explanation.attempts.some(({ transport, code }) => transport === "websocket" && code));
    });
  }

  world.check("json: a swallowed WebSocket is noticed where the server names itself ready", async (evaluate) => {
    await world.server.faults({ kind: "swallow" });
    const url = `${world.server.faulty}/json?client=${Math.random().toString(36).slice(2)}`;
    const seen = await reach(evaluate, { url, dialect: { name: "json", ready: "SESSION_CREATED" } });
    held(seen, "sse", ["swallowed"]);
  });

  world.check("json: a `ready` that the server never sends is named, with what came instead", async (evaluate) => {
    const [error, code] = await evaluate(async (url) => {
      const { session, record } = await harness.open({ url, transports: ["websocket"], dialect: { name: "json", ready: "SESSION_CREATE" } });
      await harness.until(() => record.errors.length, 15_000);
      const [{ code }] = session.explain().attempts;
      await session.close();
      return [record.errors[0], code];
    }, `${world.server.faulty}/json?client=${Math.random().toString(36).slice(2)}`);
    assert.deepEqual([error.code, code, error.details.type], ["not_ready", "not_ready", "SESSION_CREATED"]);
  });
}, { browsers: ["chromium", "firefox"] });
