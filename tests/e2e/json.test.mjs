// The dialect `json`, by configuration alone, against the five systems' servers as their authors wrote them, and against a server that
// says what those do not.

import assert from "node:assert/strict";
import { after, before } from "node:test";

import { systemFor } from "../systems/support/start.mjs";
import { answer, startHostile } from "./support/hostile.mjs";
import { BROWSERS } from "./support/browsers.mjs";
import { inBrowsers } from "./support/suite.mjs";

const SECRET = "sesame-4711";

inBrowsers((world) => {
  let hostile;
  before(async () => void (hostile = await startHostile()));
  after(() => hostile?.close());

  /** Scripts the server that answers what it is told to; a later entry of `routes` is a path. */
  const scripted = (routes) => {
    const asked = [];
    hostile.script.answer = async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      const { pathname, search } = new URL(request.url, "http://x");
      asked.push({ method: request.method, pathname, search, headers: request.headers, body });
      const route = routes[`${request.method} ${pathname}`];
      if (route) route(response, { body, search, headers: request.headers, count: asked.filter((other) => other.pathname === pathname).length });
      else answer(response, 404, {}, "no such route");
    };
    return asked;
  };
  const EVENTS = { "Content-Type": "text/event-stream" };
  const stream = (response, text = ":\n\n") => {
    response.writeHead(200, { "Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin", ...EVENTS });
    response.write(text);
    return response;
  };

  world.check("B: the interview, step by step: ids, early messages, verbs, errors", async (evaluate, t) => {
    const { url } = await systemFor(t, "b", "--delay-scale", "0.1");
    const seen = await evaluate(async (url) => {
      const { session, record } = await harness.connected({
        url: `${url}/ws`, transports: ["websocket"],
        dialect: {
          name: "json", ready: ["INTERVIEW_RESUMED", "SESSION_CREATED"], alias: { SESSION_CREATED: "WELCOME" }, ignoreCase: true,
          session: { from: "session_created" }, hello: { type: "START_INTERVIEW", interviewId: "i1" }, errors: { type: "ERROR" },
        },
      });
      const { sessionId } = await session.waitFor("WELCOME");
      // The first question comes by itself; nobody listens yet.
      await harness.until(() => record.messages.some(({ type }) => type === "AI_MESSAGE"));
      const first = [];
      session.once("ai_message", (message) => first.push(message), { kept: true });
      await session.send("user_message", { text: "hello" });
      const typing = [await session.waitFor("TYPING_INDICATOR"), await session.waitFor("typing_indicator")];
      const second = await session.waitFor("AI_MESSAGE");
      await session.send("PAUSE_INTERVIEW");
      const paused = await session.waitFor("INTERVIEW_PAUSED");
      await session.send("USER_MESSAGE", { text: "?", sessionId: "nobody" });
      const refused = await harness.outcome(session.waitFor("AI_MESSAGE"));
      await session.send("NO_SUCH_TYPE");
      const late = await harness.outcome(session.waitFor("AI_MESSAGE", { timeout: 3_000 }));
      await session.send("RESUME_INTERVIEW");
      await session.waitFor("INTERVIEW_RESUMED");
      await session.send("END_INTERVIEW");
      const ended = await session.waitFor("INTERVIEW_ENDED");
      await session.close();
      return { sessionId, first, typing, second, paused, refused, late, ended, errors: record.errors, warned: harness.told.warnings };
    }, url);
    assert.equal(seen.first.length, 1);
    assert.equal(seen.first[0].id, `${seen.sessionId}-1`);
    assert.deepEqual(seen.typing.map(({ isTyping }) => isTyping), [true, false]);
    assert.equal(seen.second.id, `${seen.sessionId}-2`);
    assert.equal(seen.paused.sessionId, seen.sessionId);
    assert.deepEqual([seen.refused.error.code, seen.refused.error.terminal], ["server_error", false]);
    assert.match(seen.refused.error.message, /Session nobody not found/);
    assert.match(seen.late.error.message, /Unknown message type/);
    assert.equal(seen.ended.resultsUrl, `/results/${seen.sessionId}`);
    assert.deepEqual(seen.errors.map(({ code }) => code), ["server_error", "server_error"]);
    assert.equal(seen.errors[0].details.type, "ERROR");
  });

  world.check("B: the old echo server crashes nobody", async (evaluate, t) => {
    const { url } = await systemFor(t, "b", "--echo");
    const seen = await evaluate(async (url) => {
      const { session, record } = await harness.connected({ url: `${url}/ws`, transports: ["websocket"], dialect: "json" });
      await session.send("START_INTERVIEW");
      const echo = await session.waitFor("echo");
      const missing = await harness.outcome(session.waitFor("SESSION_CREATED", { timeout: 50 }));
      await session.send("X");
      await harness.until(() => record.messages.length === 2);
      const late = await harness.outcome(session.waitFor("Y", { timeout: 0 }));
      await session.close();
      return { echo, missing, late };
    }, url);
    assert.equal(JSON.parse(seen.echo.message).type, "START_INTERVIEW");
    assert.equal(seen.missing.error.code, "timeout");
    assert.deepEqual(seen.late.error.details, ["echo"]);
    assert.match(seen.late.error.message, /but echo did/);
  });

  for (const variant of ["", "--http-only", "--upgrade-required"]) {
    world.check(`A ${variant}: a session by POST, text and sound up, events down`, async (evaluate, t) => {
      const { url } = await systemFor(t, "a", ...(variant ? [variant] : []));
      const seen = await evaluate(async (url, native) => {
        const api = `${url}/api/interview-v2`;
        const { session, record } = await harness.connected({
          endpoints: {
            websocket: ({ sessionId }) => `${api}/ws?sessionId=${sessionId}`, sse: ({ sessionId }) => `${api}/stream?sessionId=${sessionId}`, send: `${api}/`,
          },
          transports: ["websocket", "sse"], eventSource: native ? "native" : undefined, remember: false,
          dialect: {
            name: "json", ready: "session", session: { start: ({ signal }) => fetch(`${api}/session`, { method: "POST", signal }) },
            post: {
              text: ({ sessionId, text }) => ({ path: "text", body: { sessionId, text } }),
              sound: ({ sessionId, data }) => ({ path: "audio", body: { sessionId, audioData: data } }),
            },
          },
        });
        const { transport } = session;
        const questions = [await session.waitFor("text")];
        await session.send("text", { text: "hello" });
        questions.push(await session.waitFor("text"));
        await session.send("sound", new Uint8Array([1, 2, 255]));
        const sound = await session.waitFor(transport === "sse" ? "audio" : "binary");
        const { summary } = session.explain();
        await session.close();
        return { transport, ids: questions.map(({ id }) => id), sound: sound.audio ?? [...sound], summary, errors: record.errors.map(({ code }) => code) };
      }, url, variant === "--upgrade-required");
      assert.equal(seen.transport, variant ? "sse" : "websocket");
      const [, id] = /^(.*)-1$/.exec(seen.ids[0]);
      assert.deepEqual(seen.ids, [`${id}-1`, `${id}-2`]);
      assert.deepEqual(seen.sound, variant ? "AQL/" : [1, 2, 255]);
      assert.deepEqual(seen.errors, variant ? ["refused"] : []);
    });
  }

  world.check("C: start-session says where to go; an upload that is not taken is a typed error", async (evaluate, t) => {
    for (const deployment of ["sse", "hybrid", "edge"]) {
      const { url } = await systemFor(t, "c", "--deployment", deployment, "--frames", "20", "--unhealthy", "1");
      const seen = await evaluate(async (url) => {
        let probes = 0;
        const { fetch } = window;
        window.fetch = (address, init) => {
          if (String(address).endsWith("/api/health")) probes++;
          return fetch(address, init);
        };
        const { session, record } = await harness.connected({
          endpoints: { sse: ({ sessionId }) => `${url}/api/audio-stream?sessionId=${sessionId}`, send: `${url}/api/audio-upload` },
          transports: ["websocket", "sse"], remember: false, timing: { backoff: [300, 300, 300, 300] },
          dialect: {
            name: "json", health: `${url}/api/health`, type: (message) => message.type ?? (message.audio ? "audio" : undefined), raw: true,
            session: {
              start: async ({ signal }) =>
                (await fetch(`${url}/api/start-session`, { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"prompt":"p"}', signal })).json(),
            },
            post: {
              sound: ({ sessionId, data }) => ({ body: { sessionId, audioData: data } }), wrong: { method: "GET", body: null }, nowhere: { path: "/api/none" }, nobody: { body: { sessionId: "x", audioData: "AAAA" } },
            },
          },
        });
        const { transport } = session;
        const type = transport === "sse" ? "audio" : "binary";
        const frames = [];
        session.on(type, (frame) => frames.push(frame.audio ? atob(frame.audio).length : frame.length), { kept: true });
        await harness.until(() => frames.length >= 20);
        await session.send("sound", new Uint8Array(30));
        await harness.until(() => frames.length === 21);
        const refused = transport === "sse" ? await Promise.all(["wrong", "nowhere", "nobody"].map((type) => harness.outcome(session.send(type)))) : [];
        const { state } = session;
        await session.close();
        window.fetch = fetch;
        return { transport, frames, refused, probes, state, errors: record.errors.map(({ code, status }) => [code, status]), lost: session.stats().lost };
      }, url);
      assert.equal(seen.transport, deployment === "sse" ? "sse" : "websocket");
      assert.deepEqual(seen.frames, [...Array(20).fill(960), 30]);
      assert.deepEqual(seen.refused.map(({ error }) => [error.code, error.status]), seen.refused.length ? [["not_found", 405], ["not_found", 404], ["not_found", 404]] : []);
      assert.deepEqual([seen.state, seen.lost], ["connected", 0]);
      // Asked again only after its `Retry-After`: told each time, answered 503 once.
      const errors = seen.errors.filter(([code], i) => seen.errors.findIndex(([other]) => other === code) === i);
      assert.equal(seen.probes, 2);
      assert.deepEqual(errors, [["server_unavailable", 503], ...(deployment === "sse" ? [["transport_unavailable", null]] : [])]);
    }
  });

  const CUTS = [
    { title: "learned from ids", more: ["--ids"] },
    { title: "expected, without ids", more: [], cut: "expected" },
    { title: "expected, by resets", more: ["--reset", "--ids"], cut: "expected" },
  ];
  for (const { title, more, cut } of CUTS) {
    world.check(`C: a stream that its platform cuts goes on, and the app sees nothing of it: ${title}`, async (evaluate, t) => {
      const { url } = await systemFor(t, "c", "--deployment", "sse", "--frames", "100", "--cut", "0.7", ...more);
      const seen = await evaluate(async (url, cut) => {
        const { session, record } = await harness.connected({
          endpoints: { sse: ({ sessionId }) => `${url}/api/audio-stream?sessionId=${sessionId}`, send: `${url}/api/audio-upload` },
          transports: ["sse"], timing: { stable: 100 }, remember: false,
          dialect: {
            name: "json", cut: cut ?? undefined, type: (message) => (message.audio ? "audio" : undefined),
            session: {
              start: async ({ signal }) => (await fetch(`${url}/api/start-session`, { method: "POST", body: '{"prompt":"p"}', signal })).json(),
            },
          },
        });
        const frames = [];
        session.on("audio", ({ audio }) => frames.push(audio), { kept: true });
        await harness.until(() => frames.length === 100 && session.explain().attempts.length > 3, 15_000, () => JSON.stringify([frames.length, session.explain()]));
        // The tone repeats after five frames.
        const inOrder = frames.every((frame, i) => frame === frames[i % 5]) && new Set(frames).size === 5;
        const states = record.states.map(({ to }) => to);
        await session.close();
        return { inOrder, states, transports: record.transports, errors: record.errors };
      }, url, cut);
      assert.ok(seen.inOrder, "nothing is lost or doubled");
      assert.deepEqual(seen.states, ["connecting", "connected"]);
      assert.deepEqual(seen.transports[0], { from: null, to: "sse" });
      assert.deepEqual(seen.errors, []);
    });
  }

  world.check("E: bearer in a header or, where asked for, in the address; comments arrive once; polls only while nothing streams", async (evaluate, t) => {
    const { url } = await systemFor(t, "e", "--token", SECRET, "--query-token", "--heartbeat", "100");
    const seen = await evaluate(async (url, token, native) => {
      let streams = true;
      const requests = [];
      const { fetch } = window;
      window.fetch = (address, init) => {
        requests.push(String(address));
        // What stands between cuts the stream off, as a proxy does that forbids it.
        return String(address).includes("/stream") && !streams ? Promise.reject(new TypeError("cut off")) : fetch(address, init);
      };
      const show = `${url}/api/shows/demo`;
      const { session, record } = await harness.connected({
        endpoints: { sse: `${show}/stream`, poll: `${show}/events`, send: null }, transports: ["sse", "long-poll"], remember: false,
        token: () => token, eventSource: native ? "native" : "fetch", timing: { climb: 400, climbCap: 400, backoff: [1, 1, 1, 1] },
        dialect: {
          name: "json", heartbeat: 200, tokenQuery: "token",
          poll: { interval: 50, messages: ({ events }) => events, cursor: (last, answer) => ({ cursor: answer?.cursor ?? 0 }) },
        },
      });
      const texts = [];
      session.on("COMMENT", ({ text }) => texts.push(text));
      const emit = async (text) => (await fetch(`${url}/api/debug/emit-comment`, { method: "POST", body: JSON.stringify({ text }) })).json();
      const first = await emit("one");
      await harness.until(() => texts.length === 1);
      const polled = requests.filter((address) => address.includes("/events")).length;
      const { startedAt, lastHeardAt, attempts: [{ address }], halfOpenDetection } = session.explain();
      const age = Date.now() - Date.parse(startedAt);
      await session.close();
      return { first, texts, polled, halfOpenDetection, age, lastHeardAt, address, transport: record.transports[0].to, all: JSON.stringify([session.explain(), record, harness.told]), warned: harness.told.warnings };
    }, url, SECRET, world.name === "firefox");
    assert.equal(seen.first.delivered, 1);
    assert.deepEqual(seen.texts, ["one"]);
    assert.deepEqual([seen.polled, seen.transport], [0, "sse"]);
    assert.equal(seen.address, `${url}/api/shows/demo/stream`);
    // `startedAt` is a whole millisecond.
    assert.ok(seen.lastHeardAt > 0 && seen.lastHeardAt <= seen.age + 1, "it tells when it last heard something");
    assert.ok(!seen.all.includes(SECRET), "the token is in no account");
    assert.deepEqual(seen.warned.filter((line) => line.includes("address")).length, world.name === "firefox" ? 1 : 0);
  });

  world.check("E: polling carries while nothing streams, and gives way to a stream", async (evaluate, t) => {
    // Firefox shows a stream only with its first byte.
    const { url } = await systemFor(t, "e", "--token", SECRET, "--heartbeat", "200");
    const seen = await evaluate(async (url, token) => {
      let streams = false;
      const polls = { running: 0, most: 0, count: 0, statuses: new Set() };
      const { fetch } = window;
      window.fetch = async (address, init) => {
        if (String(address).includes("/stream") && !streams) throw new TypeError("cut off");
        if (!String(address).includes("/events")) return fetch(address, init);
        polls.count++;
        polls.most = Math.max(polls.most, ++polls.running);
        try {
          const response = await fetch(address, init);
          polls.statuses.add(response.status);
          return response;
        } finally {
          polls.running--;
        }
      };
      const show = `${url}/api/shows/demo`;
      const { session, record } = await harness.connected({
        endpoints: { sse: `${show}/stream`, poll: `${show}/events`, send: null }, transports: ["sse", "long-poll"], remember: false, token: () => token,
        timing: { climb: 300, climbCap: 300 },
        dialect: { name: "json", poll: { interval: 30, messages: ({ events }) => events, cursor: (_, answer) => ({ cursor: answer?.cursor ?? 0 }) } },
      });
      const texts = [];
      session.on("COMMENT", ({ text }) => texts.push(text));
      const emit = (text) => fetch(`${url}/api/debug/emit-comment`, { method: "POST", body: JSON.stringify({ text }) });
      const { transport } = session;
      await emit("one");
      await harness.until(() => texts.length === 1);
      await harness.until(() => polls.statuses.has(304));
      streams = true;
      await harness.until(() => session.transport === "sse", 10_000, () => JSON.stringify(session.explain()));
      await harness.until(() => !polls.running);
      const { count } = polls;
      await emit("two");
      await harness.until(() => texts.length === 2);
      await harness.sleep(200);
      const states = record.states.map(({ to }) => to);
      await session.close();
      return { transport, texts, more: polls.count - count, most: polls.most, statuses: [...polls.statuses].sort(), states };
    }, url, SECRET);
    assert.equal(seen.transport, "long-poll");
    assert.deepEqual(seen.texts, ["one", "two"]);
    assert.deepEqual([seen.more, seen.most, seen.statuses], [0, 1, [200, 304]]);
    assert.deepEqual(seen.states, ["connecting", "connected"]);
  });

  world.check("`hello` goes first over each link, with what the server is to restore", async (evaluate) => {
    const asked = scripted({
      "GET /stream": (response, { count }) => {
        const open = stream(response, `id: e${count}\ndata: {"type":"NEWS","count":${count}}\n\n`);
        if (count === 1) setTimeout(() => open.destroy(), 600);
      },
      "POST /post": (response) => answer(response, 200, {}, '{"type":"ANSWER"}'),
    });
    const seen = await evaluate(async (url) => {
      const contexts = [];
      const { session, record } = await harness.open({
        endpoints: { sse: `${url}/stream`, send: `${url}/post` }, transports: ["sse"], remember: false, timing: { backoff: [1, 1, 1, 1] },
        dialect: {
          name: "json", type: "kind", answers: true, session: { from: "NEWS", member: "count" },
          hello: async ({ signal, ...context }) => {
            contexts.push(context);
            await harness.sleep(100);
            return { kind: "HELLO", again: context.reconnect };
          },
        },
      });
      // No event has a `kind`, so each is known by its name, and that is the default.
      const waiting = session.send("EARLY", { n: 1, bytes: new Uint8Array([255]) });
      await waiting;
      await harness.until(() => record.states.filter(({ to }) => to === "connected").length === 2, 10_000, () => JSON.stringify(session.explain()));
      await session.send("LATE");
      const { state } = session;
      await session.close();
      return { contexts, state, errors: record.errors.map(({ code }) => code) };
    }, hostile.url);
    const posts = asked.filter(({ method }) => method === "POST").map(({ body }) => JSON.parse(body));
    assert.deepEqual(posts, [{ kind: "HELLO", again: false }, { n: 1, bytes: "/w==", kind: "EARLY" }, { kind: "HELLO", again: true }, { kind: "LATE" }]);
    assert.deepEqual(seen.contexts.map(({ reconnect, lastEventId }) => [reconnect, lastEventId ?? null]), [[false, null], [true, "e1"]]);
    assert.deepEqual(asked.filter(({ method }) => method === "GET").map(({ headers }) => headers["last-event-id"]), [undefined, "e1"]);
  });

  world.check("named events, raw frames, answers with messages, a refused request and a fresh token for a POST", async (evaluate) => {
    const asked = scripted({
      "GET /stream": (response) => stream(response, 'event: comment\ndata: {"text":"hi"}\n\ndata: not JSON\n\ndata: [1]\n\n'),
      "POST /post": (response, { body, headers }) => {
        const { type, ref } = JSON.parse(body);
        if (headers.authorization === "Bearer t1") return answer(response, 401, {}, "");
        if (type === "BAD") return answer(response, 200, {}, JSON.stringify([{ type: "ERROR", ref, error: "E7", message: "no" }]));
        answer(response, 200, {}, JSON.stringify(ref ? { type: "DONE", ref } : { success: true }));
      },
    });
    const seen = await evaluate(async (url) => {
      let tokens = 0;
      const reasons = [];
      const { session, record } = await harness.connected({
        endpoints: { sse: `${url}/stream`, send: `${url}/post` }, transports: ["sse"], remember: false,
        token: ({ reason }) => (reasons.push(reason), `t${++tokens}`),
        dialect: { name: "json", raw: true, answers: true, reply: { type: "DONE", match: "ref" }, errors: { type: "ERROR" } },
      });
      const raws = [await session.waitFor("raw"), await session.waitFor("raw")];
      const comment = await session.waitFor("comment");
      await session.send("PLAIN");
      const done = await session.request("GOOD", { n: 1 });
      const bad = await harness.outcome(session.request("BAD"));
      await session.close();
      return { raws, comment, done, bad, reasons, lost: session.stats().lost, errors: record.errors.map(({ code, details }) => [code, details.ref]) };
    }, hostile.url);
    assert.deepEqual(seen.raws, ["not JSON", "[1]"]);
    assert.deepEqual(seen.comment, { text: "hi" });
    assert.equal(seen.done.type, "DONE");
    assert.deepEqual([seen.bad.error.code, seen.bad.error.message, seen.bad.error.details.error], ["server_error", "no", "E7"]);
    assert.deepEqual([seen.reasons, seen.lost], [["connect", "unauthorized"], 0]);
    assert.deepEqual(seen.errors, [["server_error", 2]]);
    const [first, again] = asked.filter(({ method }) => method === "POST");
    assert.equal(first.body, again.body);
  });

  world.check("a session that `start` did not find is asked for again, and the status is told", async (evaluate) => {
    const asked = scripted({
      "POST /session": (response, { count }) => answer(response, count === 1 ? 500 : 200, {}, JSON.stringify(count === 3 ? { sessionId: "s1" } : { error: "no database" })),
      "GET /stream": (response) => stream(response),
    });
    const seen = await evaluate(async (url) => {
      const { session, record } = await harness.connected({
        endpoints: { sse: ({ sessionId }) => `${url}/stream?sessionId=${sessionId}`, send: null }, transports: ["sse"], remember: false, timing: { backoff: [1, 1, 1, 1] },
        dialect: { name: "json", session: { start: ({ signal }) => fetch(`${url}/session`, { method: "POST", signal }) } },
      });
      await session.close();
      return record.errors.map(({ code, status, details }) => [code, status ?? null, details ?? null]);
    }, hostile.url);
    assert.deepEqual(seen, [["http_status", 500, '{"error":"no database"}'], ["token", null, null]]);
    assert.deepEqual(asked.filter(({ method }) => method === "GET").map(({ search }) => search), ["?sessionId=s1"]);
  });

  world.check("a `post` function that throws costs its message, and no link", async (evaluate) => {
    const asked = scripted({ "GET /stream": (response) => stream(response), "POST /post": (response) => answer(response, 200, {}, "") });
    const seen = await evaluate(async (url) => {
      const { session, record } = await harness.connected({
        endpoints: { sse: `${url}/stream`, send: `${url}/post` }, transports: ["sse"], remember: false,
        dialect: {
          name: "json", hello: { type: "HELLO" },
          post: {
            BAD: () => {
              throw new Error("no such member");
            },
            NOWHERE: { path: "http://[" },
          },
        },
      });
      let cause;
      session.send("BAD").catch((error) => (cause = error.cause.message));
      const outcomes = await Promise.all(["BAD", "NOWHERE", "GOOD"].map((type) => harness.outcome(session.send(type))));
      await session.close();
      return { codes: outcomes.map(({ error }) => error?.code ?? "sent"), cause, states: record.states.map(({ to }) => to) };
    }, hostile.url);
    assert.deepEqual(seen.codes, ["unserialisable", "unserialisable", "sent"]);
    assert.equal(seen.cause, "no such member");
    assert.deepEqual(seen.states, ["connecting", "connected", "closing", "closed"]);
    assert.deepEqual(asked.filter(({ method }) => method === "POST").map(({ body }) => JSON.parse(body).type), ["HELLO", "GOOD"]);
  });

  world.check("`hello` goes over a held poll before the poll is answered", async (evaluate) => {
    let greet;
    const greeted = new Promise((resolve) => (greet = resolve));
    const asked = scripted({
      "GET /poll": (response, { count }) => count === 1 && greeted.then(() => answer(response, 200, {}, '{"type":"TICK"}')),
      "POST /post": (response) => (greet(), answer(response, 200, {}, "")),
    });
    await evaluate(async (url) => {
      const { session } = await harness.connected({
        endpoints: { poll: `${url}/poll`, send: `${url}/post` }, transports: ["long-poll"], remember: false, dialect: { name: "json", poll: { held: true }, hello: { type: "HELLO" } },
      });
      await session.waitFor("TICK", { timeout: 10_000 });
      await session.close();
    }, hostile.url);
    assert.deepEqual(asked.filter(({ method }) => method === "POST").map(({ body }) => body), ['{"type":"HELLO"}']);
  });

  world.check("a heartbeat is awaited only where it is seen: not on a native stream, not between polls, not on a held one", async (evaluate) => {
    const asked = scripted({
      "GET /stream": (response) => {
        const open = stream(response);
        let beats = 0;
        const alarm = setInterval(() => (++beats < 20 ? open.write(":\n\n") : (clearInterval(alarm), open.write('data: {"type":"TICK"}\n\n'))), 20);
      },
      "GET /polls": (response, { count }) => answer(response, 200, {}, count === 4 ? '{"type":"TICK"}' : ""),
      "GET /held": (response) => void setTimeout(() => answer(response, 200, {}, '{"type":"TICK"}'), 400),
    });
    const seen = await evaluate(async (url) => {
      const quiet = [];
      for (const [transport, path, options, poll] of [["sse", "/stream", { eventSource: "native" }], ["long-poll", "/polls", {}, { interval: 100 }], ["long-poll", "/held", {}, { held: true }]]) {
        const { session, record } = await harness.connected({
          ...options, url: url + path, endpoints: { send: null }, transports: [transport], remember: false, dialect: { name: "json", heartbeat: 20, poll },
        });
        const { halfOpenDetection } = session.explain();
        await session.waitFor("TICK", { timeout: 10_000 });
        quiet.push([record.states.map(({ to }) => to), halfOpenDetection]);
        await session.close();
      }
      return quiet;
    }, hostile.url);
    assert.deepEqual(seen, [false, true, false].map((noticed) => [["connecting", "connected"], noticed]));
    assert.equal(asked.filter(({ pathname }) => pathname === "/stream").length, 1);
  });

  world.check("answers to POSTs do not hide that the stream fell silent", async (evaluate) => {
    scripted({ "GET /stream": (response) => stream(response), "POST /post": (response) => answer(response, 200, {}, '{"type":"DONE"}') });
    const seen = await evaluate(async (url) => {
      const { session, record } = await harness.connected({
        endpoints: { sse: `${url}/stream`, send: `${url}/post` }, transports: ["sse"], remember: false, dialect: { name: "json", answers: true, heartbeat: 400 },
      });
      const lost = () => record.states.find(({ to }) => to === "reconnecting");
      while (!lost() && record.messages.length < 300) await Promise.all([harness.outcome(session.send("X")), harness.sleep(10)]);
      await session.close();
      return { code: lost()?.error.code, answers: record.messages.length };
    }, hostile.url);
    assert.equal(seen.code, "half_open");
    assert.ok(seen.answers > 0);
  });

  world.check("options that cannot be meant are refused by name", async (evaluate) => {
    const seen = await evaluate(async () => {
      const { connect } = await import("/throughline.js");
      const bad = [{ typ: "kind" }, { ready: 5 }, { raw: "yes" }, { hello: "hi" }, { constructor: 1 }, { type: 7 }, { cut: true }, { heartbeat: "15" }];
      return bad.map((options) => {
        try {
          connect({ dialect: { name: "json", ...options } });
          return "taken";
        } catch ({ code, message }) {
          return [code, message.includes(Object.keys(options)[0])];
        }
      });
    });
    assert.deepEqual(seen, seen.map(() => ["bad_option", true]));
  });
}, { browsers: BROWSERS.filter((name) => name !== "webkit") });
