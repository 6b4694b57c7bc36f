// Every browser over every transport in both dialects: what a session does when nothing is in its way.

import assert from "node:assert/strict";

import { inBrowsers } from "./support/suite.mjs";

const WAYS = [
  { transport: "websocket" },
  { transport: "sse", eventSource: "fetch" },
  { transport: "sse", eventSource: "native" },
  { transport: "long-poll" },
];

const titleOf = ({ transport, eventSource }) => transport + (eventSource === "native" ? " by EventSource" : "");

inBrowsers((world) => {
  for (const { transport, eventSource } of WAYS) {
    const way = titleOf({ transport, eventSource });
    const options = () => ({ url: `${world.server.url}/realtime`, transports: [transport], eventSource, remember: false });

    world.check(`${way}: connects, echoes and closes`, async (evaluate) => {
      const seen = await evaluate(async (options) => {
        const { session, record } = await harness.connected(options);
        const heard = [];
        const stop = session.on("ECHO", (payload) => heard.push(payload));
        await session.send("ECHO", { n: 1, text: "zażółć 🦆 \u2028 \" \\" });
        await session.send("ECHO");
        await session.send("ECHO", [1, null, "three"]);
        await harness.until(() => heard.length === 3);
        stop();
        stop();
        const [stats, explanation] = [session.stats(), session.explain()];
        await session.close();
        return { heard, stats, explanation, record, after: [session.state, session.transport, session.explain().state] };
      }, options());
      assert.deepEqual(seen.heard, [{ n: 1, text: "zażółć 🦆 \u2028 \" \\" }, null, [1, null, "three"]]);
      const { rtt, attempts, buffered, ...counts } = seen.stats;
      assert.deepEqual(counts, { state: "connected", transport, sent: 3, received: 3, duplicates: 0, lost: 0 });
      assert.equal(attempts, 1);
      assert.ok(Number.isInteger(rtt), `rtt ${rtt}`);
      assert.deepEqual(buffered, { messages: 0, bytes: 0 });
      assert.deepEqual(seen.record.states.map(({ to }) => to), ["connecting", "connected", "closing", "closed"]);
      assert.ok(seen.record.states.every(({ error }) => !error), "a session that was asked to close has no error");
      assert.deepEqual(seen.record.transports, [{ from: null, to: transport }, { from: transport, to: null }]);
      assert.deepEqual(seen.record.errors, []);
      const { explanation } = seen;
      assert.equal(explanation.guarantee, "effectively-once");
      assert.equal(explanation.halfOpenDetection, true);
      assert.match(explanation.summary, new RegExp(`connected over ${transport}`));
      assert.equal(explanation.attempts.length, 1);
      assert.equal(explanation.attempts[0].outcome, "carrying");
      assert.ok(explanation.attempts[0].takenAfter >= explanation.attempts[0].readyAfter);
      assert.deepEqual(seen.after, ["closed", null, "closed"]);
    });

    world.check(`${way}: a request is answered or refused`, async (evaluate) => {
      const seen = await evaluate(async (options) => {
        const { session } = await harness.connected(options);
        const [replied, refused, ...many] = await Promise.all([
          harness.outcome(session.request("ECHO", { a: [1, 2] })),
          harness.outcome(session.request("FAIL", {})),
          ...Array.from({ length: 20 }, (_, i) => session.request("ECHO", i)),
        ]);
        const unknown = await harness.outcome(session.request("NO_SUCH_TYPE", {}));
        await session.close();
        // Nothing answers there, so that no reply can be in time.
        const { session: alone } = await harness.open({ ...options, url: "http://127.0.0.1:9/realtime" });
        const late = await harness.outcome(alone.request("ECHO", "late", { timeout: 0 }));
        await alone.close();
        return { replied, refused, unknown, late, many };
      }, options());
      assert.deepEqual(seen.replied.value, { a: [1, 2] });
      assert.equal(seen.refused.error.code, "request_failed");
      assert.equal(seen.refused.error.details.code, "failed");
      assert.equal(seen.unknown.error.code, "request_failed");
      assert.equal(seen.late.error.code, "timeout");
      assert.deepEqual(seen.many, Array.from({ length: 20 }, (_, i) => i));
    });

    world.check(`${way}: bytes go both ways`, async (evaluate) => {
      const seen = await evaluate(async (options) => {
        const { session } = await harness.connected(options);
        const results = [];
        for (const size of [0, 1, 70_000]) {
          const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31) & 255);
          const echo = session.waitFor("ECHO");
          await session.send("ECHO", bytes);
          const back = await echo;
          results.push([back instanceof Uint8Array, back.length, back.every((byte, i) => byte === bytes[i])]);
        }
        const buffer = session.waitFor("ECHO");
        await session.send("ECHO", new Uint16Array([513]).buffer);
        results.push([...(await buffer)]);
        await session.close();
        return results;
      }, options());
      assert.deepEqual(seen, [[true, 0, true], [true, 1, true], [true, 70_000, true], [1, 2]]);
    });

    world.check(`${way}: two thousand messages arrive once each and in order`, async (evaluate) => {
      const seen = await evaluate(async (options) => {
        const { session } = await harness.connected(options);
        const numbers = [];
        session.on("FLOOD_ITEM", ({ i }) => numbers.push(i));
        await session.send("FLOOD", { count: 2_000, size: 100, perUnit: 7 });
        await harness.until(() => numbers.length >= 2_000, 60_000, () => numbers.length);
        const sent = await Promise.all(Array.from({ length: 500 }, (_, i) => session.send("ECHO", i).then(() => i)));
        const stats = session.stats();
        await session.close();
        return { ordered: numbers.every((n, i) => n === i), count: numbers.length, sent: sent.length, stats };
      }, options());
      assert.deepEqual([seen.ordered, seen.count, seen.sent, seen.stats.duplicates], [true, 2_000, 500, 0]);
    });

    const json = (more = {}) => ({
      ...options(),
      url: `${world.server.url}/json?client=${Math.random().toString(36).slice(2)}`,
      dialect: { name: "json", ...more },
    });

    world.check(`${way}, json: echoes, keeps early messages, renames types, matches replies`, async (evaluate) => {
      const alias = { SESSION_CREATED: "WELCOME" };
      const seen = await evaluate(async (options) => {
        const { session } = await harness.connected(options);
        await harness.sleep(200);
        const welcome = await session.waitFor("WELCOME");
        const original = await harness.outcome(session.waitFor("SESSION_CREATED", { timeout: 50 }));
        const echo = session.waitFor("ECHO");
        await session.send("ECHO", { text: "hi" });
        const reply = await session.request("ECHO", { text: "asked" });
        const { guarantee, halfOpenDetection } = session.explain();
        const echoed = await echo;
        await session.close();
        return { welcome, original, echoed, reply, guarantee, halfOpenDetection, state: session.state };
      }, json({ ready: "SESSION_CREATED", alias, reply: { type: "ECHO", match: "requestId" } }));
      assert.equal(typeof seen.welcome.sessionId, "string");
      assert.equal(seen.original.error.code, "timeout");
      assert.equal(seen.echoed.text, "hi");
      assert.equal(seen.reply.text, "asked");
      assert.deepEqual([seen.guarantee, seen.halfOpenDetection, seen.state], ["at-most-once", false, "closed"]);
    });

    world.check(`${way}, json: bytes arrive as the transport allows`, async (evaluate) => {
      const seen = await evaluate(async (options, transport) => {
        const { session } = await harness.connected(options);
        const back = session.waitFor(transport === "websocket" ? "binary" : "ECHO");
        await session.send("ECHO", new Uint8Array([1, 2, 255]));
        const payload = await back;
        await session.close();
        return payload instanceof Uint8Array ? [...payload] : payload;
      }, json(), transport);
      if (transport === "websocket") assert.deepEqual(seen, [1, 2, 255]);
      else assert.equal(seen.data, "AQL/");
    });

    world.check(`${way}, json: the interview runs from connect to end`, async (evaluate) => {
      const seen = await evaluate(async (options) => {
        const { session, record } = await harness.connected(options);
        const steps = ["connect"];
        await session.waitFor("SESSION_CREATED");
        const created = session.waitFor("SESSION_CREATED");
        await session.send("START_INTERVIEW", { interviewId: "i1" });
        const { sessionId } = await created;
        steps.push("create");
        const question = await session.waitFor("AI_MESSAGE");
        if (!question.id || !question.text || !question.timestamp) throw new Error(JSON.stringify(question));
        await session.send("USER_MESSAGE", { sessionId, text: "hello" });
        const typing = [await session.waitFor("TYPING_INDICATOR"), await session.waitFor("TYPING_INDICATOR")];
        await session.waitFor("AI_MESSAGE");
        steps.push("message");
        await session.send("PAUSE_INTERVIEW", { sessionId });
        await session.waitFor("INTERVIEW_PAUSED");
        steps.push("pause");
        await session.send("RESUME_INTERVIEW", { sessionId });
        await session.waitFor("INTERVIEW_RESUMED");
        steps.push("resume");
        await session.send("USER_MESSAGE", { sessionId: "nobody", text: "?" });
        const refused = await session.waitFor("ERROR");
        await session.send("NO_SUCH_TYPE");
        const unknown = await session.waitFor("ERROR");
        await session.send("END_INTERVIEW", { sessionId });
        const ended = await session.waitFor("INTERVIEW_ENDED");
        steps.push("end");
        await session.close();
        return { steps, typing: typing.map((t) => t.isTyping), refused, unknown, ended, errors: record.errors, states: record.states.map(({ to }) => to) };
      }, json({ ready: "SESSION_CREATED" }));
      assert.deepEqual(seen.steps, ["connect", "create", "message", "pause", "resume", "end"]);
      assert.deepEqual(seen.typing, [true, false]);
      assert.match(seen.refused.message, /Session nobody not found/);
      assert.match(seen.unknown.message, /Unknown message type/);
      assert.equal(typeof seen.ended.resultsUrl, "string");
      assert.deepEqual(seen.errors, []);
      assert.deepEqual(seen.states, ["connecting", "connected", "closing", "closed"]);
    });
  }

  world.check("the best transport is taken when all may be used", async (evaluate) => {
    const seen = await evaluate(async (url) => {
      const { session, record } = await harness.connected({ url });
      await harness.sleep(700);
      const { attempts } = session.stats();
      const { transport } = session;
      await session.close();
      return { transport, attempts, transports: record.transports };
    }, `${world.server.url}/realtime`);
    assert.equal(seen.transport, "websocket");
    assert.equal(seen.attempts, 1, "a quick WebSocket is not raced");
    assert.equal(seen.transports.length, 2);
  });
});
