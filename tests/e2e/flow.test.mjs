// What goes up, and when: bounds of what is on its way, messages that expire or give way to later ones, and bursts.

import assert from "node:assert/strict";

import { inBrowsers } from "./support/suite.mjs";

const TRANSPORTS = ["websocket", "sse", "long-poll"];
const QUICK = { backoff: [50, 50, 50, 50] };

inBrowsers((world) => {
  const direct = () => `${world.server.url}/realtime`;
  const faulty = () => `${world.server.faulty}/realtime`;

  for (const transport of TRANSPORTS) {
    world.check(`${transport}: a send beyond the outbox's bounds waits for room`, async (evaluate) => {
      await world.server.faults({ kind: "delay", ms: 150 });
      const seen = await evaluate(async (options) => {
        const up = harness.recordUp();
        const { session, record } = await harness.connected(options);
        const order = [];
        session.on("drained", () => order.push("drained"));
        const sends = Array.from({ length: 7 }, (_, n) => session.send("ECHO", `item-${n}`).then(() => order.push(n)));
        const full = { ...session.stats().buffered, amount: session.bufferedAmount };
        const written = () => [0, 1, 2, 3, 4, 5, 6].filter((n) => up.some((unit) => unit.includes(`item-${n}`)));
        await harness.until(() => written().length);
        const ahead = written();
        await Promise.all(sends);
        await harness.until(() => record.messages.length === 7);
        const left = { ...session.stats().buffered, amount: session.bufferedAmount };
        await session.close();
        return { full, left, ahead, order, echoes: record.messages.map(({ payload }) => payload) };
      }, { url: faulty(), transports: [transport], outbox: { messages: 3 } });
      assert.equal(seen.full.messages, 7);
      assert.equal(seen.full.amount, seen.full.bytes);
      assert.ok(seen.full.bytes > 7 * "item-0".length);
      assert.deepEqual(seen.left, { messages: 0, bytes: 0, amount: 0 });
      assert.ok(seen.ahead.length <= 3, `${seen.ahead} are on their way at once`);
      assert.deepEqual(seen.order.filter((n) => n !== "drained"), [0, 1, 2, 3, 4, 5, 6]);
      assert.equal(seen.order.filter((n) => n === "drained").length, 1);
      assert.deepEqual(seen.echoes, [0, 1, 2, 3, 4, 5, 6].map((n) => `item-${n}`));
    });
  }

  world.check("the outbox is bounded by bytes as well, and one message alone always fits", async (evaluate) => {
    await world.server.faults({ kind: "delay", ms: 150 });
    const seen = await evaluate(async (options) => {
      const up = harness.recordUp();
      const { session, record } = await harness.connected(options);
      const sends = ["a", "b", "c"].map((letter) => session.send("ECHO", letter.repeat(2_000)));
      await harness.until(() => up.some((unit) => unit.includes("aaa")));
      const ahead = ["aaa", "bbb", "ccc"].filter((text) => up.some((unit) => unit.includes(text)));
      await Promise.all(sends);
      await harness.until(() => record.messages.length === 3);
      await session.close();
      return { ahead, echoes: record.messages.map(({ payload }) => payload[0]) };
    }, { url: faulty(), transports: ["websocket"], outbox: { bytes: 1_000 } });
    assert.deepEqual(seen, { ahead: ["aaa"], echoes: ["a", "b", "c"] });
  });

  world.check("a send from a listener of drained does not overtake those that wait", async (evaluate) => {
    await world.server.faults({ kind: "delay", ms: 50 });
    const seen = await evaluate(async (options) => {
      const { session, record } = await harness.connected(options);
      const late = [];
      session.on("drained", () => late.length || late.push(session.send("ECHO", "late")));
      await Promise.all(Array.from({ length: 10 }, (_, n) => session.send("ECHO", n)));
      await Promise.all(late);
      await harness.until(() => record.messages.length === 11);
      await session.close();
      return record.messages.map(({ payload }) => payload);
    }, { url: faulty(), transports: ["websocket"], outbox: { messages: 2 } });
    assert.deepEqual(seen.filter((n) => n !== "late"), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.ok(seen.indexOf("late") > seen.indexOf(7), `drained means room: ${seen}`);
  });

  world.check("a full outbox that is not to wait refuses, and goes on once there is room", async (evaluate) => {
    await world.server.faults({ kind: "delay", ms: 50 });
    const seen = await evaluate(async (options) => {
      const { session, record } = await harness.connected(options);
      const drained = new Promise((resolve) => session.once("drained", resolve));
      const outcomes = await Promise.all([0, 1, 2, 3].map((n) => harness.outcome(session.send("ECHO", n))));
      await drained;
      await session.send("ECHO", 4);
      await harness.until(() => record.messages.length === 3);
      await session.close();
      return { codes: outcomes.map(({ error }) => error?.code ?? null), echoes: record.messages.map(({ payload }) => payload) };
    }, { url: faulty(), transports: ["websocket"], outbox: { messages: 2, whenFull: "reject" } });
    assert.deepEqual(seen, { codes: [null, null, "outbox_full", "outbox_full"], echoes: [0, 1, 4] });
  });

  world.check("a message expires only while it has not been written", async (evaluate) => {
    await world.server.faults({ kind: "down" });
    const down = await evaluate(async (url, timing) => {
      window.opened = await harness.open({ url, timing, transports: ["websocket"] });
      const { session } = window.opened;
      session.on("error", () => {});
      await harness.until(() => session.stats().attempts);
      window.kept = [session.send("ECHO", "kept"), session.send("ECHO", "patient", { ttl: 60_000 })];
      const before = session.bufferedAmount;
      const outcomes = await Promise.all([session.send("ECHO", "stale", { ttl: 150 }), session.send("ECHO", "dead", { ttl: 0 })].map(harness.outcome));
      return { codes: outcomes.map(({ error }) => error?.code), state: session.state, freed: session.bufferedAmount === before };
    }, faulty(), QUICK);
    assert.deepEqual(down, { codes: ["expired", "expired"], state: "connecting", freed: true });
    await world.server.faults();
    const up = await evaluate(async () => {
      const { session, record } = window.opened;
      await Promise.all(window.kept);
      await harness.until(() => record.messages.length >= 2);
      return record.messages.map(({ payload }) => payload);
    });
    assert.deepEqual(up, ["kept", "patient"]);
    await evaluate(() => window.opened.session.close());
    // The way takes longer than the message lives: it was written in time.
    await world.server.faults({ kind: "delay", ms: 300 });
    const seen = await evaluate(async (url) => {
      const { session, record } = await harness.connected({ url, transports: ["websocket"] });
      const outcome = await harness.outcome(session.send("ECHO", "written", { ttl: 50 }));
      await harness.until(() => record.messages.length === 1);
      await session.close();
      return outcome;
    }, faulty());
    assert.equal(seen.error, undefined);
  });

  world.check("a life that is no number of milliseconds is refused at once", async (evaluate) => {
    const seen = await evaluate(async (url) => {
      const { session } = await harness.connected({ url });
      const outcomes = await Promise.all([-1, NaN, "soon"].map((ttl) => harness.outcome(session.send("ECHO", ttl, { ttl }))));
      await session.close();
      return outcomes.map(({ error }) => error?.code);
    }, direct());
    assert.deepEqual(seen, ["bad_option", "bad_option", "bad_option"]);
  });

  world.check("of the sends of one key the latest goes up, and the others keep their order", async (evaluate) => {
    await world.server.faults({ kind: "down" });
    await evaluate(async (url, timing) => {
      window.opened = await harness.open({ url, timing, transports: ["websocket"] });
      const { session } = window.opened;
      session.on("error", () => {});
      const place = (n) => session.send("ECHO", `x${n}`, { coalesceKey: "x" });
      const other = (n) => session.send("ECHO", `y${n}`, { coalesceKey: "y" });
      window.sends = [session.send("ECHO", "a"), place(1), other(1), session.send("ECHO", "b"), place(2), place(3), session.send("ECHO", "c"), other(2)];
    }, faulty(), QUICK);
    await world.server.faults();
    const seen = await evaluate(async () => {
      const { session, record } = window.opened;
      const outcomes = await Promise.all(window.sends.map(harness.outcome));
      // What was written and acknowledged gives way to nothing.
      await session.send("ECHO", "x4", { coalesceKey: "x" });
      await session.send("ECHO", "x5", { coalesceKey: "x" });
      await harness.until(() => record.messages.some(({ payload }) => payload === "x5"));
      await session.close();
      return { refused: outcomes.filter(({ error }) => error), echoes: record.messages.map(({ payload }) => payload) };
    });
    assert.deepEqual(seen, { refused: [], echoes: ["a", "b", "x3", "c", "y2", "x4", "x5"] });
  });

  for (const transport of TRANSPORTS) {
    world.check(`${transport}: what one task sends goes up in few units`, async (evaluate, t) => {
      const seen = await evaluate(async (options) => {
        const up = harness.recordUp();
        const { session, record } = await harness.connected(options);
        const before = up.length;
        await Promise.all(Array.from({ length: 500 }, (_, n) => session.send("ECHO", n)));
        await harness.until(() => record.messages.length === 500);
        const units = up.slice(before).filter((unit) => unit.includes('"ECHO"')).length;
        await session.close();
        return { units, inOrder: record.messages.every(({ payload }, i) => payload === i) };
      }, { url: direct(), transports: [transport] });
      t.diagnostic(`500 messages in ${seen.units} units`);
      assert.ok(seen.inOrder);
      assert.ok(seen.units <= 10, `${seen.units} units`);
    });
  }

  world.check("what is sent right before the page's task ends with close() still goes up", async (evaluate) => {
    const seen = await evaluate(async (url) => {
      const { session } = await harness.connected({ url, transports: ["websocket"] });
      const sends = [1, 2, 3].map((n) => harness.outcome(session.send("ECHO", n)));
      await session.close();
      return (await Promise.all(sends)).filter(({ error }) => error);
    }, direct());
    assert.deepEqual(seen, []);
  });
});
