// A session's life: servers that die, drain and come back, and applications that call from anywhere.

import assert from "node:assert/strict";

import { startServer } from "./support/server.mjs";
import { inBrowsers } from "./support/suite.mjs";

const QUICK = { backoff: [50, 100, 200, 400] };

inBrowsers((world) => {
  const direct = () => `${world.server.url}/realtime`;
  const faulty = () => `${world.server.faulty}/realtime`;

  world.check("a server that is killed and comes back is found again, and the loss of history is told", async (evaluate) => {
    const first = await startServer();
    let second;
    try {
      await evaluate(async (url, timing) => {
        window.opened = await harness.connected({ url, timing });
        const { session, record } = window.opened;
        session.on("ECHO", (n) => (record.echoes ??= []).push(n));
        // What is called from inside an event must not disturb the session.
        session.on("gap", () => {
          session.stats();
          session.explain();
          session.off("nobody");
        });
        await session.send("ECHO", 1);
        await harness.until(() => record.echoes?.length === 1);
      }, `${first.url}/realtime`, QUICK);
      await first.stop();
      const down = await evaluate(async () => {
        const { session, record } = window.opened;
        await harness.until(() => session.state === "reconnecting" && record.retries.length);
        window.pending = harness.outcome(session.send("ECHO", 2));
        return { transport: session.transport, explanation: session.explain(), errors: record.errors };
      });
      assert.equal(down.transport, null);
      assert.equal(down.explanation.state, "reconnecting");
      assert.ok(down.explanation.attempts.some(({ code }) => code === "lost" || code === "flapped"), down.explanation.summary);
      assert.ok(down.errors.every(({ terminal }) => !terminal));
      second = await startServer({ port: first.port });
      const up = await evaluate(async () => {
        const { session, record } = window.opened;
        await harness.until(() => session.state === "connected", 30_000, "connected again");
        await harness.until(() => record.gaps, 5_000, "gap");
        const pending = await window.pending;
        const echo = session.waitFor("ECHO_LATER", { timeout: 1 }).catch(() => {});
        await session.send("ECHO", 3);
        await harness.until(() => record.echoes.includes(3));
        await Promise.all([echo, session.close()]);
        return { pending, gaps: record.gaps, states: record.states.map(({ to }) => to), stats: session.stats() };
      });
      assert.ok(!up.pending.error || up.pending.error.code === "outcome_unknown", JSON.stringify(up.pending));
      assert.equal(up.gaps, 1);
      assert.equal(up.stats.lost, 1);
      assert.deepEqual(up.states, ["connecting", "connected", "reconnecting", "connected", "closing", "closed"]);
    } finally {
      await first.stop();
      await second?.stop();
    }
  });

  world.check("a session climbs back to the WebSocket once that works, without losing or doubling a message", async (evaluate) => {
    await world.server.faults({ kind: "rst" });
    await evaluate(async (url) => {
      window.opened = await harness.connected({ url, timing: { climb: 1_000, climbCap: 2_000 } });
      const { session, record } = window.opened;
      record.echoes = [];
      session.on("ECHO", (n) => record.echoes.push(n));
      let n = 0;
      record.sends = [];
      record.timer = setInterval(() => record.sends.push(session.send("ECHO", n++)), 20);
      if (session.transport !== "sse") throw new Error(`on ${session.transport}`);
    }, faulty());
    await world.server.faults();
    const seen = await evaluate(async () => {
      const { session, record } = window.opened;
      await harness.until(() => session.transport === "websocket", 30_000, "back on the websocket");
      await harness.sleep(500);
      clearInterval(record.timer);
      await Promise.all(record.sends);
      await harness.until(() => record.echoes.length >= record.sends.length, 10_000, "all echoes");
      const { states, transports, echoes, gaps } = record;
      await session.close();
      return { states: states.map(({ to }) => to), transports, ordered: echoes.every((n, i) => n === i), count: echoes.length === record.sends.length, gaps };
    });
    assert.deepEqual(seen.states, ["connecting", "connected", "closing", "closed"], "a change of transport is no reconnect");
    assert.deepEqual(seen.transports.slice(0, 2), [{ from: null, to: "sse" }, { from: "sse", to: "websocket" }]);
    assert.deepEqual([seen.ordered, seen.count, seen.gaps], [true, true, 0]);
  });

  world.check("a server that drains is left in time, and its successor is found", async (evaluate) => {
    const first = await startServer();
    let second;
    try {
      await evaluate(async (url, timing) => {
        window.opened = await harness.connected({ url, timing });
      }, `${first.url}/realtime`, QUICK);
      const { code } = await first.stop("SIGTERM");
      assert.equal(code, 0, "the server ends by itself");
      const left = await evaluate(() => window.opened.session.explain());
      assert.ok(left.timeline.some(({ what }) => what === "goaway"), JSON.stringify(left.timeline));
      second = await startServer({ port: first.port });
      const states = await evaluate(async () => {
        const { session, record } = window.opened;
        await harness.until(() => session.state === "connected", 60_000, "connected again");
        await session.close();
        return record.states.map(({ to }) => to);
      });
      assert.equal(states.at(-3), "connected");
    } finally {
      await first.stop();
      await second?.stop();
    }
  });

  world.check("two hundred lost links leave nothing open", async (evaluate) => {
    const before = (await world.server.connections()).websocket.live;
    const seen = await evaluate(async (url, control) => {
      const { session, record } = await harness.connected({ url, transports: ["websocket"], timing: { backoff: [5, 5, 5, 5] } });
      let n = 0;
      session.on("ECHO", () => n++);
      for (let i = 1; i <= 200; i++) {
        await fetch(control, { method: "POST", body: '{"on":["websocket"]}' });
        await harness.until(() => session.stats().lost >= i && session.state === "connected", 20_000, `link ${i}: ${session.state}`);
      }
      await session.send("ECHO");
      await harness.until(() => n === 1);
      window.session = session;
      return { lost: session.stats().lost, gaps: record.gaps, timeline: session.explain().timeline.length };
    }, faulty(), `${world.server.url}/faults/faults/cut`);
    assert.deepEqual(seen, { lost: 200, gaps: 0, timeline: 256 });
    assert.equal((await world.server.connections()).websocket.live, before + 1);
    await evaluate(() => window.session.close());
    for (let tries = 0; (await world.server.connections()).websocket.live > before; tries++) {
      assert.ok(tries < 100, "the socket is closed");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });

  for (const name of ["state", "transport", "message", "ECHO", "rtt", "error", "retry"]) {
    world.check(`everything may be called from inside "${name}"`, async (evaluate) => {
      const seen = await evaluate(async (name, url, control) => {
        const { connect } = await import("/throughline.js");
        const calls = { made: 0, others: [], outcomes: [] };
        const session = connect({ url, transports: ["websocket"], timing: { backoff: [5, 5, 5, 5] } });
        session.on("error", () => {});
        session.on(name, () => {
          if (calls.made++ > 2) return;
          calls.outcomes.push(harness.outcome(session.send("ECHO", "from inside")));
          calls.outcomes.push(harness.outcome(session.request("ECHO", "from inside")));
          const stop = session.on("ECHO", () => {});
          session.once(name, () => {});
          stop();
          session.off("nobody");
          session.stats();
          session.explain();
          const other = connect({ url, transports: ["websocket"] });
          calls.others.push(other.close());
        });
        await harness.until(() => session.state === "connected");
        await session.send("ECHO", "from outside");
        dispatchEvent(new Event("online"));
        if (name === "error" || name === "retry") await fetch(control, { method: "POST", body: '{"on":["websocket"]}' });
        if (name === "error") {
          session.on("retry", () => session.stats());
          const refused = connect({ url: "ftp://nowhere" });
          refused.on("error", () => refused.send("ECHO").catch(() => {}));
          await harness.until(() => refused.state === "failed");
          calls.made++;
          calls.outcomes.push({});
        }
        await harness.until(() => calls.made > 0 && calls.outcomes.length, 15_000, () => JSON.stringify([calls.made, session.explain()]));
        const outcomes = await Promise.all(calls.outcomes);
        await Promise.all(calls.others);
        await harness.until(() => session.state === "connected");
        await session.close();
        return { outcomes, state: session.state };
      }, name, faulty(), `${world.server.url}/faults/faults/cut`);
      assert.equal(seen.state, "closed");
      for (const { error } of seen.outcomes) assert.ok(!error, JSON.stringify(error));
    });
  }

  for (const name of ["state", "transport", "message", "ECHO", "rtt"]) {
    world.check(`a session may be closed from inside "${name}"`, async (evaluate) => {
      const seen = await evaluate(async (name, url) => {
        const { session, record } = await harness.open({ url });
        let closing;
        const after = [];
        session.on(name, () => (closing ??= session.close()));
        session.on(name, () => after.push(session.state));
        const sent = harness.outcome(session.send("ECHO", 1));
        await harness.until(() => !!closing || session.state === "connected");
        if (!closing) dispatchEvent(new Event("online"));
        await harness.until(() => !!closing);
        await closing;
        await session.close();
        return { state: session.state, sent: await sent, terminal: record.states.filter(({ to }) => to === "closed" || to === "failed").length, after: after.length };
      }, name, direct());
      assert.equal(seen.state, "closed");
      assert.equal(seen.terminal, 1);
      assert.ok(seen.after >= 1, "the second listener was called too");
      assert.ok(!seen.sent.error || ["closed", "outcome_unknown"].includes(seen.sent.error.code), JSON.stringify(seen.sent));
    });
  }

  world.check("a listener that throws harms no other", async (evaluate) => {
    const seen = await evaluate(async (url) => {
      const { connect } = await import("/throughline.js");
      const session = connect({ url });
      const heard = [];
      for (const name of ["state", "transport", "message", "ECHO"]) {
        session.on(name, () => {
          throw new Error(`thrown in ${name}`);
        });
        session.on(name, () => heard.push(name));
      }
      await harness.until(() => session.state === "connected");
      await session.send("ECHO", 1);
      await harness.until(() => heard.includes("ECHO"));
      await session.close();
      return { heard: [...new Set(heard)].toSorted(), errors: harness.told.errors.length, state: session.state };
    }, direct());
    assert.deepEqual(seen.heard, ["ECHO", "message", "state", "transport"]);
    assert.ok(seen.errors >= 4, "each is reported");
    assert.equal(seen.state, "closed");
  }, { allowed: [/^throughline: a listener of/] });

  world.check("retry() cuts a long wait short, and a close while it looks for a link says what became of a send", async (evaluate) => {
    const seen = await evaluate(async () => {
      const { session, record } = await harness.open({ url: "http://127.0.0.1:1/realtime", transports: ["long-poll"], timing: { backoff: [1, 1e9, 1e9, 1e9] } });
      session.on("retry", ({ inMs }) => (record.wait = inMs));
      await harness.until(() => record.wait > 60_000);
      const { attempts } = session.stats();
      session.retry();
      const soon = record.wait;
      await harness.until(() => session.stats().attempts > attempts);
      const sent = harness.outcome(session.send("ECHO"));
      await session.close();
      session.retry();
      return { soon, sent: await sent, state: session.state };
    });
    assert.ok(seen.soon <= 1, `the next try starts in ${seen.soon} ms`);
    assert.deepEqual([seen.sent.error.code, seen.sent.error.message], ["closed", "the session was closed before this was sent"]);
    assert.ok(seen.sent.error.remediation);
    assert.equal(seen.state, "closed");
  });

  world.check("close() twice, before connecting and after failing, always resolves", async (evaluate) => {
    const seen = await evaluate(async (url) => {
      const { connect } = await import("/throughline.js");
      const early = connect({ url });
      const pending = harness.outcome(early.send("ECHO"));
      await Promise.all([early.close(), early.close()]);
      const failed = connect({ url: "ftp://nowhere" });
      const codes = [];
      failed.on("error", ({ code, terminal }) => codes.push([code, terminal]));
      await harness.until(() => failed.state === "failed");
      await failed.close();
      const { session, record } = await harness.connected({ url });
      await Promise.all([session.close(), session.close()]);
      const after = await harness.outcome(session.send("ECHO"));
      return { early: early.state, pending: await pending, failed: failed.state, codes, states: record.states.map(({ to }) => to), after };
    }, direct());
    assert.equal(seen.early, "closed");
    assert.equal(seen.pending.error.code, "closed");
    assert.equal(seen.failed, "failed");
    assert.deepEqual(seen.codes.at(-1), ["bad_address", true]);
    assert.deepEqual(seen.states, ["connecting", "connected", "closing", "closed"]);
    assert.equal(seen.after.error.code, "closed");
  });

  world.check("signals end what they were given to, and nothing else", async (evaluate) => {
    const seen = await evaluate(async (url) => {
      const { connect } = await import("/throughline.js");
      const aborted = AbortSignal.abort();
      const never = connect({ url, signal: aborted });
      await harness.until(() => never.state === "closed");
      const whole = new AbortController();
      const { session } = await harness.connected({ url, signal: whole.signal });
      const heard = [];
      const some = new AbortController();
      session.on("ECHO", (n) => heard.push(["on", n]), { signal: some.signal });
      session.on("ECHO", (n) => heard.push(["aborted", n]), { signal: aborted });
      session.on("ECHO", (n) => heard.push(["kept", n]));
      await session.send("ECHO", 1);
      await harness.until(() => heard.length === 2);
      const calls = new AbortController();
      const waiting = [
        session.waitFor("NOTHING", { signal: calls.signal }),
        session.request("ECHO", 9, { signal: calls.signal }),
        session.waitFor("NOTHING", { signal: aborted }),
        session.request("ECHO", 9, { signal: aborted }),
        session.send("ECHO", 9, { signal: aborted }),
      ].map(harness.outcome);
      const iterator = session.messages({ signal: some.signal });
      const next = iterator.next();
      calls.abort(new Error("no longer wanted"));
      some.abort();
      const ended = await next;
      await session.send("ECHO", 2);
      await harness.until(() => heard.some(([who, n]) => who === "kept" && n === 2));
      const outcomes = await Promise.all(waiting);
      whole.abort();
      await harness.until(() => session.state === "closed");
      return { heard, outcomes, ended };
    }, direct());
    assert.deepEqual(seen.heard.filter(([, n]) => n === 1), [["on", 1], ["kept", 1]]);
    assert.ok(!seen.heard.some(([who, n]) => who === "on" && n === 2));
    assert.deepEqual(seen.outcomes.map(({ error }) => error?.code), Array(5).fill("aborted"));
    assert.match(seen.outcomes[0].error.cause, /no longer wanted/);
    assert.equal(seen.ended.done, true);
  });

  world.check("a send that is aborted while offline is never sent", async (evaluate) => {
    const seen = await evaluate(async (url) => {
      const { connect } = await import("/throughline.js");
      const session = connect({ url });
      const heard = [];
      session.on("ECHO", (n) => heard.push(n));
      const control = new AbortController();
      const first = harness.outcome(session.send("ECHO", 1, { signal: control.signal }));
      const second = session.send("ECHO", 2);
      control.abort();
      await second;
      await harness.until(() => heard.length);
      await session.send("ECHO", 3);
      await harness.until(() => heard.includes(3));
      await session.close();
      return { heard, first: (await first).error?.code };
    }, direct());
    assert.deepEqual(seen, { heard: [2, 3], first: "aborted" });
  });

  world.check("messages() gives every message in order and ends with the session", async (evaluate) => {
    const seen = await evaluate(async (url) => {
      const { session } = await harness.connected({ url });
      const all = (async () => {
        const list = [];
        for await (const { type, payload } of session.messages()) list.push([type, payload]);
        return list;
      })();
      const some = (async () => {
        for await (const { payload } of session.messages()) if (payload === 1) return payload;
      })();
      for (let n = 0; n < 5; n++) await session.request("ECHO", n);
      await Promise.all([0, 1, 2].map((n) => session.send("ECHO", n)));
      await some;
      await harness.until(() => session.stats().received >= 8);
      await session.close();
      return all;
    }, direct());
    assert.deepEqual(seen, [["ECHO", 0], ["ECHO", 1], ["ECHO", 2]]);
  });

  world.check("a full outbox makes senders wait, and rejects where that is asked for", async (evaluate) => {
    const seen = await evaluate(async (url) => {
      const { connect } = await import("/throughline.js");
      const session = connect({ url, outbox: { messages: 4 } });
      const heard = [];
      let drained = 0;
      session.on("ECHO", (n) => heard.push(n));
      session.on("drained", () => drained++);
      await Promise.all(Array.from({ length: 20 }, (_, n) => session.send("ECHO", n)));
      await harness.until(() => heard.length === 20);
      await session.close();
      const strict = connect({ url, outbox: { messages: 4, whenFull: "reject" } });
      const outcomes = await Promise.all(Array.from({ length: 6 }, (_, n) => harness.outcome(strict.send("ECHO", n))));
      await strict.close();
      const stuck = connect({ url: "http://127.0.0.1:9/realtime", outbox: { messages: 1 } });
      stuck.on("error", () => {});
      const waiting = [harness.outcome(stuck.send("ECHO")), harness.outcome(stuck.send("ECHO"))];
      await harness.sleep(300);
      await stuck.close();
      return { heard, drained, outcomes: outcomes.map(({ error }) => error?.code ?? null), stuck: (await Promise.all(waiting)).map(({ error }) => error?.code) };
    }, direct());
    assert.deepEqual(seen.heard, Array.from({ length: 20 }, (_, n) => n));
    assert.ok(seen.drained >= 1);
    assert.deepEqual(seen.outcomes, [null, null, null, null, "outbox_full", "outbox_full"]);
    assert.deepEqual(seen.stuck, ["closed", "closed"]);
  });

  world.check("a trap ends one session, and the next one works", async (evaluate) => {
    const seen = await evaluate(async (url) => {
      const { session: other } = await harness.connected({ url });
      const { session, record } = await harness.connected({ url });
      const pending = harness.outcome(session.waitFor("NOTHING"));
      const { now } = performance;
      // Called from inside the core: what it throws unwinds through it.
      performance.now = () => {
        performance.now = now;
        throw new Error("staged");
      };
      const sent = harness.outcome(session.send("ECHO", 1));
      await harness.until(() => session.state === "failed", 5_000, () => session.state);
      await session.close();
      const { session: next } = await harness.connected({ url });
      const replies = [await next.request("ECHO", "next"), await other.request("ECHO", "other")];
      await Promise.all([next.close(), other.close()]);
      return { errors: record.errors, sent: (await sent).error.code, pending: (await pending).error.code, replies, transport: session.transport, last: record.transports.at(-1) };
    }, direct());
    assert.deepEqual([seen.transport, seen.last.to], [null, null], "nothing carries what failed");
    assert.deepEqual([seen.errors.at(-1).code, seen.errors.at(-1).terminal], ["internal", true]);
    assert.deepEqual(seen.replies, ["next", "other"]);
    assert.equal(seen.sent, "closed");
    assert.equal(seen.pending, "internal");
  });
});
