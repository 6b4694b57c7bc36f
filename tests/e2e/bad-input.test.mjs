// What is wrong is named: each case ends in an error with a code and a remedy, and the next connect works.

import assert from "node:assert/strict";
import { after, before } from "node:test";

import { READY, answer, startHostile } from "./support/hostile.mjs";
import { startServer } from "./support/server.mjs";
import { inBrowsers } from "./support/suite.mjs";

const TRANSPORTS = ["websocket", "sse", "long-poll"];
const SECRET = "sesame-4711-open";

inBrowsers((world) => {
  let hostile;
  let guarded;
  before(async () => {
    [hostile, guarded] = await Promise.all([startHostile(), startServer({ more: ["--require-token"] })]);
  });
  after(async () => {
    hostile?.close();
    await guarded?.stop();
  });

  /** A token that the guarded server takes. */
  const mint = async () => (await (await fetch(`${guarded.url}/api/token`, { method: "POST" })).json()).token;

  /** Runs a session until it has failed or told of an error, then a good one. */
  const trouble = (evaluate, options, until = "error") =>
    evaluate(async (options, until, good) => {
      const { session, record } = await harness.open(options);
      await harness.until(() => session.state === "failed" || (until === "error" && record.errors.length), 20_000, "an error").catch((error) => {
        throw new Error(`${error.message}: ${JSON.stringify(session.explain())}`);
      });
      const { state } = session;
      const explanation = session.explain();
      await session.close();
      const next = await harness.connected({ url: good });
      const echo = await next.session.request("ECHO", "still works");
      await next.session.close();
      return { state, explanation, record, error: record.errors[0], last: record.errors.at(-1), echo };
    }, options, until, `${world.server.url}/realtime`);

  const named = ({ error, echo }, ...codes) => {
    assert.equal(error.name, "SessionError");
    assert.ok(codes.includes(error.code), `${error.code} is one of ${codes}`);
    assert.ok(error.message.length > 10, "it says what went wrong");
    assert.equal(echo, "still works");
  };

  for (const url of ["http://", "ftp://127.0.0.1/x", "http://[bad", "wss://:0:0", "javascript:alert(1)", "blob:nothing", "mailto:a@b.c"]) {
    world.check(`the address ${url} is refused by name`, async (evaluate) => {
      const seen = await trouble(evaluate, { url }, "failed");
      named(seen, "bad_address");
      assert.deepEqual([seen.state, seen.last.code, seen.last.terminal], ["failed", "bad_address", true]);
      assert.match(seen.last.remediation, /url/);
    });
  }

  world.check("options that cannot be are refused at once", async (evaluate) => {
    const seen = await evaluate(async () => {
      const { connect } = await import("/throughline.js");
      const bad = [null, 5, "x", { transports: [] }, { transports: ["carrier-pigeon"] }, { transports: "sse" }, { dialect: "xml" }, { dialect: { name: "xml" } }, { dialect: null }, { dialect: { name: "json", alias: null } }, { token: "text" }, { signal: { aborted: false } }];
      return bad.map((options) => {
        try {
          connect(options);
          return "taken";
        } catch (error) {
          return [error.name, error.code];
        }
      });
    });
    assert.deepEqual(seen, seen.map(() => ["SessionError", "bad_option"]));
  });

  world.check("an error that nobody catches is headed by its name", async (evaluate) => {
    const seen = await evaluate(async () => {
      const { connect } = await import("/throughline.js");
      const uncaught = new Promise((resolve) => addEventListener("error", ({ message, error }) => resolve({ message, stack: error.stack, shown: String(error) }), { once: true }));
      setTimeout(() => connect({ transports: [] }));
      return uncaught;
    });
    assert.match(seen.shown, /^SessionError: transports must be/);
    assert.match(seen.message, /\bSessionError: transports must be/);
    // Only V8 heads a stack.
    if (seen.stack.includes("transports must be")) assert.match(seen.stack, /^SessionError: transports must be/);
  }, { allowed: [/SessionError: transports must be/] });

  world.check("options that turn out to be unusable end the session by name", async (evaluate) => {
    const seen = await evaluate(async (url) => {
      const results = [];
      for (const bad of [{ timing: { backoff: 5 } }, { transports: ["sse"], endpoints: null, url: null }]) {
        const { session, record } = await harness.open({ url, ...bad });
        const sent = harness.outcome(session.send("ECHO"));
        await harness.until(() => session.state === "failed", 5_000, () => session.state);
        await session.close();
        results.push([record.errors.at(-1).code, (await sent).error.code]);
      }
      return results;
    }, `${world.server.url}/realtime`);
    assert.deepEqual(seen, [["bad_option", "closed"], ["transport_unavailable", "closed"]]);
  });

  world.check("a path that the server does not have is named, and ends the session", async (evaluate) => {
    const seen = await trouble(evaluate, { url: "/no/such/path" }, "failed");
    assert.deepEqual([seen.last.code, seen.last.status, seen.last.terminal], ["not_found", 404, true]);
    assert.equal(seen.echo, "still works");
  });

  world.check("endpoints that are not there leave their transport out", async (evaluate) => {
    const seen = await evaluate(async (url) => {
      const { session, record } = await harness.connected({ url, endpoints: { websocket: null } });
      const { transport } = session;
      await session.close();
      const { session: none, record: refused } = await harness.open({ url: "" });
      await harness.until(() => none.state === "failed");
      const thrown = await harness.open({ url, transports: ["sse"], endpoints: { sse: () => { throw new Error("no endpoint"); } } });
      await harness.until(() => thrown.record.errors.length);
      await thrown.session.close();
      return { transport, first: record.errors[0], refused: refused.errors.at(-1), thrown: thrown.record.errors };
    }, `${world.server.url}/realtime`);
    assert.equal(seen.transport, "sse");
    assert.deepEqual([seen.first.code, seen.first.transport], ["transport_unavailable", "websocket"]);
    assert.deepEqual([seen.refused.code, seen.refused.terminal], ["transport_unavailable", true]);
    assert.equal(seen.thrown[0].code, "endpoint");
    assert.match(seen.thrown[0].cause, /no endpoint/);
  });

  for (const transport of TRANSPORTS) {
    world.check(`${transport}: what the page's policy forbids is named`, async (evaluate) => {
      const seen = await evaluate(async (url, transport) => {
        const { session, record } = await harness.open({ url, transports: [transport] });
        await harness.until(() => session.state === "failed", 10_000, () => JSON.stringify(session.explain()));
        return { error: record.errors.at(-1), state: session.state };
      }, `${world.server.url}/realtime`, transport);
      assert.deepEqual([seen.error.code, seen.error.terminal, seen.error.transport], ["blocked", true, transport]);
      assert.match(seen.error.remediation, /connect-src/);
    }, { page: { csp: "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'" } });
  }

  world.check("a policy that forbids WebAssembly is named", async (evaluate) => {
    const seen = await evaluate(async (url) => {
      const { session, record } = await harness.open({ url });
      const sent = harness.outcome(session.send("ECHO"));
      await harness.until(() => session.state === "failed", 10_000, () => session.state);
      return { error: record.errors.at(-1), sent: (await sent).error, summary: session.explain().summary };
    }, `${world.server.url}/realtime`);
    assert.deepEqual([seen.error.code, seen.error.terminal], ["wasm_blocked", true]);
    assert.match(seen.error.remediation, /wasm-unsafe-eval/);
    assert.equal(seen.sent.code, "closed");
    assert.equal(seen.sent.remediation, seen.error.remediation);
    assert.match(seen.summary, /^The session is failed: the browser does not allow WebAssembly; allow 'wasm-unsafe-eval'/);
  }, { page: { csp: "default-src 'self'; script-src 'self'; connect-src *" } });

  world.check("units that break the protocol are named, and the session goes on trying", async (evaluate) => {
    const binary = (...bytes) => Buffer.from(bytes);
    const greeted = [
      "5", "{}", "null", '"x"', "[5]", "[[]]", "[null]", '[["nope"]]', '[["ack",-1]]', '[["ack",1e99]]', '[["ack",99]]', '[["close","x"]]', '[["goaway"]]',
      '[[1,5,0]]', '[["bin",1,"T","%%%"]]', '[["bin","one","T",""]]', '[[9,"T",0]]', '[["__proto__",1]]', '[["constructor",1]]',
      binary(), binary(0), binary(255, 255), binary(0, 1, 123), binary(0, 4, ...Buffer.from("null")), binary(0, 9, ...Buffer.from('[-1,"T"]x')),
    ];
    const ungreeted = ["not json", '[["ready"]]', '[["ready",null]]', '[["ready",{"session":5}]]', READY.replace('"received":0', '"received":-1'), READY.replace("15000", '"soon"'), READY.replace('"received":0', '"received":7')];
    for (const units of [...greeted.map((unit) => [READY, unit]), ...ungreeted.map((unit) => [unit])]) {
      hostile.script.units = units;
      const seen = await evaluate(async (url) => {
        const { session, record } = await harness.open({ url, transports: ["websocket"] });
        await harness.until(() => record.states.some(({ to }) => to === "reconnecting") || record.errors.length, 5_000, () => JSON.stringify(session.explain()));
        const { state } = session;
        const { attempts } = session.explain();
        await session.close();
        return { state, attempts, errors: [...record.errors, ...record.states.map(({ error }) => error).filter(Boolean)] };
      }, `${hostile.url}/realtime`).catch((error) => assert.fail(`${units.at(-1)}: ${error.message}`));
      const codes = seen.errors.map(({ code }) => code);
      assert.ok(codes.includes("protocol"), `${units.at(-1)}: ${codes}`);
      assert.ok(!codes.includes("internal"), `${units.at(-1)}: ${codes}`);
      assert.equal(seen.attempts[0].code, "protocol", String(units.at(-1)));
    }
    const next = await trouble(evaluate, { url: "ftp://x" }, "failed");
    assert.equal(next.echo, "still works");
  });

  world.check("a message that comes twice is delivered once", async (evaluate) => {
    hostile.script.units = [READY, '[[1,"T","a"],[1,"T","a"]]', '[["bin",1,"T",""]]', '[[2,"T","b"]]'];
    const seen = await evaluate(async (url) => {
      const { session, record } = await harness.connected({ url, transports: ["websocket"] });
      await harness.until(() => record.messages.length >= 2);
      const { received, duplicates } = session.stats();
      await session.close();
      return { payloads: record.messages.map(({ payload }) => payload), received, duplicates };
    }, `${hostile.url}/realtime`);
    assert.deepEqual(seen, { payloads: ["a", "b"], received: 2, duplicates: 2 });
  });

  world.check("a portal that answers in the server's place is named", async (evaluate) => {
    hostile.script.units = [1011];
    hostile.script.answer = (_, response) => answer(response, 200, { "Content-Type": "text/html" }, "<!doctype html><title>log in</title>");
    for (const transport of ["sse", "long-poll"]) {
      const seen = await trouble(evaluate, { url: `${hostile.url}/realtime`, transports: [transport] });
      named(seen, "protocol");
      assert.match(seen.error.remediation, /portal/);
    }
  });

  world.check("an event larger than any limit ends the stream, not the page", async (evaluate) => {
    hostile.script.answer = (request, response) => {
      if (request.method === "POST") return answer(response, 200, { "Content-Type": "application/json" }, "[]");
      answer(response, 200, { "Content-Type": "text/event-stream" }, `data: ${"x".repeat(5 << 20)}\n\n`);
    };
    named(await trouble(evaluate, { url: `${hostile.url}/realtime`, transports: ["sse"] }), "protocol");
  });

  world.check("json: what is not a message is told and dropped", async (evaluate) => {
    hostile.script.early = "hello";
    hostile.script.units = ["not json", "5", "null", "[]", '{"no":"type"}', '{"type":5}', '[{"type":"A"},{"type":"B"}]', '{"type":"__proto__","x":1}', '{"type":"LAST"}'];
    const seen = await evaluate(async (url) => {
      const { session, record } = await harness.connected({ url, transports: ["websocket"], dialect: "json" });
      await session.send("GO");
      await session.waitFor("LAST");
      await session.close();
      return { types: record.messages.map(({ type }) => type), codes: record.errors.map(({ code }) => code), states: record.states.map(({ to }) => to) };
    }, `${hostile.url}/json`);
    hostile.script.early = undefined;
    assert.deepEqual(seen.types, ["A", "B", "__proto__", "LAST"]);
    assert.deepEqual([...new Set(seen.codes)], ["bad_message"]);
    assert.deepEqual(seen.states, ["connecting", "connected", "closing", "closed"]);
  });

  for (const transport of TRANSPORTS) {
    world.check(`${transport}: a message over the server's limit is named`, async (evaluate) => {
      const seen = await evaluate(async (url, transport) => {
        const { session, record } = await harness.connected({ url, transports: [transport], outbox: { bytes: 1 << 24 } });
        const sent = await harness.outcome(session.send("ECHO", "x".repeat(2 << 20)));
        await harness.until(() => record.errors.length || session.state !== "connected" || sent.error, 10_000);
        const { state } = session;
        await session.close();
        return { sent, errors: record.errors, state };
      }, `${world.server.url}/realtime`, transport);
      assert.ok(seen.sent.error, "the send is rejected");
      assert.ok([seen.sent.error, ...seen.errors].some(({ code }) => code === "too_large"), JSON.stringify(seen));
      const next = await trouble(evaluate, { url: "ftp://x" }, "failed");
      assert.equal(next.echo, "still works");
    });
  }

  for (const dialect of ["throughline", "json"]) {
    world.check(`${dialect}: a payload that JSON cannot write is refused, and nothing is sent`, async (evaluate) => {
      const seen = await evaluate(async (url, dialect) => {
        const { session } = await harness.connected({ url, transports: ["websocket"], dialect: dialect === "json" ? { name: "json", reply: { type: "ECHO", match: "id" } } : dialect });
        const cycle = {};
        cycle.self = cycle;
        const bad = [10n, { deep: [10n] }, cycle, () => {}, Symbol("s"), { toJSON() { throw new Error("no"); } }];
        const outcomes = [];
        for (const payload of bad) outcomes.push(await harness.outcome(session.send("ECHO", payload)), await harness.outcome(session.request("ECHO", payload)));
        const reply = await session.request("ECHO", { fine: true });
        const { sent } = session.stats();
        await session.close();
        return { codes: outcomes.map(({ error }) => error?.code), remedies: outcomes.map(({ error }) => !!error?.remediation), fine: reply.fine, sent };
      }, `${world.server.url}/${dialect === "json" ? "json" : "realtime"}`, dialect);
      assert.deepEqual(seen.codes, Array(12).fill("unserialisable"));
      assert.ok(seen.remedies.every(Boolean));
      assert.deepEqual([seen.fine, seen.sent], [true, dialect === "json" ? 1 : seen.sent]);
    });
  }

  for (const transport of TRANSPORTS) {
    world.check(`${transport}: a token that is refused is asked for once more, then named, and told to nobody`, async (evaluate) => {
      const pass = await mint();
      const seen = await evaluate(async (url, transport, secret, pass) => {
        const reasons = [];
        const { session, record } = await harness.open({ url, transports: [transport], token: async ({ reason }) => (reasons.push(reason), secret) });
        await harness.until(() => session.state === "failed", 15_000, () => JSON.stringify([reasons, session.explain()]));
        const good = await harness.connected({ url, transports: [transport], token: () => pass });
        const echo = await good.session.request("ECHO", "admitted");
        await good.session.close();
        const urls = performance.getEntriesByType("resource").map(({ name }) => name);
        return { reasons, error: record.errors.at(-1), echo, texts: JSON.stringify([urls, record, session.explain(), good.session.explain(), harness.told.all]) };
      }, `${guarded.faulty}/realtime`, transport, SECRET, pass);
      assert.deepEqual(seen.reasons, ["connect", "unauthorized"]);
      assert.deepEqual([seen.error.code, seen.error.terminal], ["unauthorized", true]);
      assert.match(seen.error.remediation, /token/);
      assert.equal(seen.echo, "admitted");
      assert.ok(!seen.texts.includes(SECRET) && !seen.texts.includes(pass), "the token is nowhere in what the page can see");
      const logs = JSON.stringify([guarded.log, await guarded.faultLog()]);
      assert.ok(!logs.includes(SECRET) && !logs.includes(pass), "the token is nowhere in the logs");
    });

    world.check(`${transport}: no token where one is needed is named`, async (evaluate) => {
      const seen = await trouble(evaluate, { url: `${guarded.url}/realtime`, transports: [transport] }, "failed");
      assert.deepEqual([seen.last.code, seen.last.terminal], ["unauthorized", true]);
    });
  }

  world.check("a token function that misbehaves is named, and asked again", async (evaluate) => {
    for (const kind of ["throws", "rejects", "number", "empty", "object"]) {
      const seen = await evaluate(async (url, kind, pass) => {
        let calls = 0;
        const bad = { throws: () => { throw new Error("no token"); }, rejects: () => Promise.reject(new Error("no token")), number: () => 5, empty: () => "", object: async () => ({ token: "x" }) };
        const token = () => (calls++ ? pass : bad[kind]());
        const { session, record } = await harness.connected({ url, token, timing: { backoff: [50, 50, 50, 50] } });
        const echo = await session.request("ECHO", "admitted");
        await session.close();
        return { echo, errors: record.errors, calls };
      }, `${guarded.url}/realtime`, kind, await mint());
      assert.equal(seen.echo, "admitted", kind);
      assert.deepEqual(seen.errors.map(({ code, terminal }) => [code, terminal]), [["token", false]], kind);
      assert.match(seen.errors[0].remediation, /12 s/);
      assert.ok(seen.errors[0].cause, "the cause is handed on");
    }
  });

  world.check("a token function that never answers is given up after its 12 s", async (evaluate) => {
    const seen = await evaluate(async (url, pass) => {
      let calls = 0;
      const signals = [];
      const token = ({ signal }) => (signals.push(signal), calls++ ? pass : new Promise(() => {}));
      const { session, record } = await harness.connected({ url, token, timing: { backoff: [50, 50, 50, 50] } }, 30_000);
      await session.close();
      return { errors: record.errors, calls, aborted: signals[0].aborted };
    }, `${guarded.url}/realtime`, await mint());
    assert.deepEqual(seen.errors.map(({ code }) => code), ["token"]);
    assert.deepEqual([seen.calls, seen.aborted], [2, true]);
  });

  const STATUSES = [
    { status: 401, code: "unauthorized", terminal: true },
    { status: 403, code: "forbidden", terminal: true },
    { status: 404, code: "not_found", terminal: true },
    { status: 429, code: "slow_down", terminal: false },
    { status: 503, code: "server_unavailable", terminal: false },
  ];
  for (const transport of TRANSPORTS) {
    world.check(`${transport}: HTTP statuses keep their meaning`, async (evaluate) => {
      for (const { status, code, ...rest } of STATUSES) {
        // A plain GET of an address that only knows WebSockets is often 404: that alone ends nothing.
        const terminal = rest.terminal && !(transport === "websocket" && status === 404);
        await world.server.faults({ kind: "status", code: status, ...(rest.terminal ? {} : { retryAfter: 1 }) });
        await evaluate(async (url, transport) => {
          window.opened = await harness.open({ url, transports: [transport], timing: { backoff: [100, 100, 100, 100] } });
          const { session, record } = window.opened;
          window.started = performance.now();
          await harness.until(() => session.state === "failed" || record.retries.length, 10_000, () => JSON.stringify(session.explain()));
        }, `${world.server.faulty}/realtime`, transport);
        await world.server.faults();
        const seen = await evaluate(async (terminal) => {
          const { session, record } = window.opened;
          if (!terminal) await harness.until(() => session.state === "connected", 15_000, () => JSON.stringify(session.explain()));
          const waited = performance.now() - window.started;
          const { state } = session;
          const explanation = session.explain();
          await session.close();
          return { state, errors: record.errors, waited, summary: explanation.summary, timeline: explanation.timeline };
        }, terminal);
        const error = seen.errors.find((error) => error.code === code);
        const where = `${status}: ${JSON.stringify(seen)}`;
        if (transport !== "websocket" || terminal) assert.ok(error, where);
        else assert.ok(seen.timeline.some(({ what, detail }) => what === "side-probe" && detail === `HTTP ${status}`), where);
        if (error) assert.equal(error.status, status, where);
        if (terminal) assert.deepEqual([seen.state, seen.errors.at(-1).terminal], ["failed", true], where);
        else if (!rest.terminal) assert.ok(seen.waited >= 950, `the server's second is waited for: ${where}`);
      }
    });
  }

  world.check("a POST that is refused or hangs is named", async (evaluate) => {
    for (const [fault, codes] of [["post-404", ["not_found"]], ["post-hang", ["post_hung"]]]) {
      await world.server.faults({ kind: fault });
      const seen = await evaluate(async (url) => {
        const { session, record } = await harness.open({ url, transports: ["sse"] });
        await harness.until(() => record.errors.length, 20_000);
        await session.close();
        return record.errors;
      }, `${world.server.faulty}/realtime`);
      assert.ok(codes.includes(seen[0].code), `${fault}: ${JSON.stringify(seen)}`);
    }
  });
});
