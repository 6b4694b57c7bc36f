// Payloads that schemas look at, between a real server of plain JSON and the built package.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";

import { schemas } from "../../pkg/dist/schemas.js";
import { SessionError, connect } from "../../pkg/dist/throughline.js";

/** What is awaited and never comes is a failure, too. */
const BOUND = { timeout: 30_000 };

/** A server of plain JSON over an event stream and POSTs, and a session with it. */
async function open(t, options, hear = {}) {
  const posts = [];
  let stream;
  const server = createServer(async (request, response) => {
    if (request.method === "GET") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`data: ${JSON.stringify({ type: "HI" })}\n\n`);
      stream = response;
      return;
    }
    const message = JSON.parse(Buffer.concat(await request.toArray()).toString());
    posts.push(message);
    response.writeHead(204).end();
    if (message.id !== undefined) tell({ type: "REPLY", id: message.id, n: message.answer });
  });
  const tell = (...messages) => stream.write(messages.map((message) => `data: ${JSON.stringify(message)}\n\n`).join(""));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const session = connect({
    url: `http://127.0.0.1:${server.address().port}/`, transports: ["sse"], remember: false,
    dialect: { name: "json", ready: "HI", reply: { type: "REPLY", match: "id" } }, check: schemas(options),
  });
  t.after(async () => {
    await session.close();
    server.closeAllConnections();
    server.close();
  });
  const errors = [];
  session.on("error", (error) => errors.push(error));
  for (const [name, listener] of Object.entries(hear)) session.on(name, listener);
  await until(session, "state", ({ to }) => to === "connected");
  return { session, tell, posts, errors, closed: once(stream, "close") };
}

/** Resolves with the first event of a name that is as wanted. */
const until = (session, name, wanted = (_) => true) =>
  new Promise((resolve) => {
    const off = session.on(name, (event) => {
      if (!wanted(event)) return;
      off();
      resolve(event);
    });
  });

const N = z.object({ n: z.string().transform(Number) });

/** A schema that takes until its gate is opened. */
function gated() {
  const gates = new Map();
  const gate = (n) => gates.get(n) ?? gates.set(n, Promise.withResolvers?.() ?? deferred()).get(n);
  const schema = z.object({ n: z.number() }).refine(async ({ n }) => (await gate(n).promise, true));
  return { schema, open: (n) => gate(n).resolve() };
}

function deferred() {
  let resolve;
  return { promise: new Promise((done) => (resolve = done)), resolve };
}

test("what comes is what its schema makes of it, or is not heard", BOUND, async (t) => {
  const heard = [];
  const { session, tell, errors } = await open(t, { events: { N } }, { N: (payload) => heard.push(payload) });
  const last = session.waitFor("LAST");
  tell({ type: "N", n: "1" }, { type: "N", n: 2 }, { type: "N", n: "3" }, { type: "LAST" });
  await last;
  assert.deepEqual(heard, [{ n: 1 }, { n: 3 }]);
  assert.equal(errors.length, 1);
  const [error] = errors;
  assert.ok(error instanceof SessionError);
  assert.deepEqual([error.code, error.terminal, error.details.type, error.details.issues.map(({ path }) => path)], ["invalid", false, "N", [["n"]]]);
  assert.match(error.message, /^N\.n: /);
  assert.equal(session.state, "connected");
});

test("three validators agree", BOUND, async (t) => {
  const events = { ZOD: N, VALIBOT: v.object({ n: v.pipe(v.string(), v.transform(Number)) }), ARKTYPE: type({ "+": "delete", n: "string.numeric.parse" }) };
  const { session, tell, errors } = await open(t, { events });
  const names = Object.keys(events);
  tell(...names.map((type) => ({ type, n: "7" })), ...names.map((type) => ({ type, n: [] })), { type: "LAST" });
  for (const name of names) assert.deepEqual(await session.waitFor(name), { n: 7 });
  await session.waitFor("LAST");
  assert.deepEqual(errors.map(({ details }) => [details.type, Array.from(details.issues[0].path, (step) => step.key ?? step)]), names.map((name) => [name, ["n"]]));
});

test("order stands, whatever a validator takes", BOUND, async (t) => {
  const heard = [];
  const slow = gated();
  const { session, tell, errors } = await open(t, { events: { SLOW: slow.schema, N } }, { message: ({ type, payload }) => heard.push([type, payload.n]) });
  const last = session.waitFor("LAST");
  tell({ type: "SLOW", n: 1 }, { type: "N", n: "2" }, { type: "SLOW", n: 3 }, { type: "N", n: 4 }, { type: "LAST" });
  slow.open(3);
  slow.open(1);
  await last;
  assert.deepEqual(heard.filter(([type]) => type !== "HI"), [["SLOW", 1], ["N", 2], ["SLOW", 3], ["LAST", undefined]]);
  assert.deepEqual(errors.map(({ code }) => code), ["invalid"]);
  // The line is empty again: what is done at once is heard at once.
  tell({ type: "N", n: "5" });
  assert.deepEqual([await session.waitFor("N"), await session.waitFor("N")], [{ n: 2 }, { n: 5 }]);
});

test("what is sent is looked at first, and goes in its order", BOUND, async (t) => {
  const slow = gated();
  const { session, posts } = await open(t, { commands: { SLOW: slow.schema, N } });
  const refused = assert.rejects(session.send("N", { n: 1 }), (error) => error instanceof SessionError && error.code === "invalid" && error.details.type === "N");
  const sent = [session.send("SLOW", { n: 2 }), session.send("N", { n: "3" }), session.send("FREE", { n: 4 })];
  slow.open(2);
  await Promise.all([refused, ...sent]);
  assert.deepEqual(posts.map(({ type, n }) => [type, n]), [["SLOW", 2], ["N", 3], ["FREE", 4]]);
});

test("a reply is looked at, too", BOUND, async (t) => {
  const { session, errors } = await open(t, { commands: { ASK: z.object({ answer: z.any() }) }, replies: { ASK: N } });
  assert.deepEqual(await session.request("ASK", { answer: "7" }), { n: 7 });
  await assert.rejects(session.request("ASK", { answer: 7 }), { code: "invalid", message: /^the reply to ASK\.n: / });
  await assert.rejects(session.request("ASK", 7), { code: "invalid" });
  assert.deepEqual(errors, []);
});

test("`pass` lets all through and tells of it", BOUND, async (t) => {
  const { session, tell, posts, errors } = await open(t, { events: { N }, commands: { N }, replies: { N }, invalid: "pass" });
  tell({ type: "N", n: 1 });
  assert.equal((await session.waitFor("N")).n, 1);
  await session.send("N", { n: 2 });
  assert.equal((await session.request("N", { answer: 3 })).n, 3);
  assert.deepEqual(posts.map(({ n, answer }) => n ?? answer), [2, 3]);
  assert.deepEqual(errors.map(({ code }) => code), ["invalid", "invalid", "invalid", "invalid"]);
});

test("`fail` ends the session and what it holds open", BOUND, async (t) => {
  const heard = [];
  const told = [];
  const { session, tell, errors, closed } = await open(t, { events: { N }, invalid: "fail" }, { N: ({ n }) => heard.push(n), lifecycle: ({ name }) => told.push(name) });
  const waiting = assert.rejects(session.waitFor("NEVER"), { code: "invalid" });
  const over = until(session, "state", ({ to }) => to === "failed");
  tell({ type: "N", n: "1" }, { type: "N", n: 2 }, { type: "N", n: "3" });
  const { error } = await over;
  assert.deepEqual([error.code, error.terminal, session.state, heard], ["invalid", true, "failed", [1]]);
  assert.deepEqual(errors, [error]);
  await Promise.all([waiting, closed]);
  assert.deepEqual(told.slice(-2), ["error", "state"]);
  assert.ok(session.explain().attempts.length, "its account outlives it");
  await assert.rejects(session.send("N", { n: "1" }), { code: "closed" });
});

test("a validator that throws, rejects or gives nothing has refused", BOUND, async (t) => {
  const standard = (validate) => ({ "~standard": { version: 1, vendor: "test", validate } });
  const throws = standard(() => {
    throw new TypeError("broken");
  });
  const events = { THROWS: throws, REJECTS: standard(async () => throws["~standard"].validate()), EMPTY: standard(() => undefined), VOID: standard(() => ({ issues: [] })) };
  const { session, tell, errors } = await open(t, { events });
  tell(...Object.keys(events).map((type) => ({ type })), { type: "LAST" });
  await session.waitFor("LAST");
  assert.deepEqual(errors.map(({ details }) => details.type), Object.keys(events));
  assert.deepEqual(errors.slice(0, 2).map(({ message }) => message), ["THROWS: TypeError: broken", "REJECTS: TypeError: broken"]);
});

test("a validator that does not end has refused after 12 s", BOUND, async (t) => {
  const asked = deferred();
  const schema = { "~standard": { version: 1, vendor: "test", validate: () => (asked.resolve(), new Promise(() => {})) } };
  const { session, tell, errors } = await open(t, { events: { STUCK: schema } });
  t.mock.timers.enable({ apis: ["setTimeout"] });
  tell({ type: "STUCK" }, { type: "LAST" });
  const last = until(session, "LAST");
  await asked.promise;
  t.mock.timers.tick(12_000);
  await last;
  assert.match(errors[0].message, /^STUCK: its schema took over 12000 ms/);
  t.mock.timers.reset();
});

test("no more than 10 000 messages wait for a validator", BOUND, async (t) => {
  const slow = gated();
  const heard = [];
  const { session, tell, errors } = await open(t, { events: { SLOW: slow.schema } }, { FREE: ({ n }) => heard.push(n) });
  const over = until(session, "error");
  tell({ type: "SLOW", n: 0 }, ...Array.from({ length: 10_001 }, (_, n) => ({ type: "FREE", n })));
  await over;
  const last = until(session, "FREE", ({ n }) => n === 9_998);
  slow.open(0);
  await last;
  assert.deepEqual([heard.length, errors.map(({ code }) => code)], [9_999, ["slow_down", "slow_down"]]);
});

test("one set of schemas serves several sessions", BOUND, async (t) => {
  const options = { events: { N } };
  const [one, other] = [await open(t, options), await open(t, options)];
  one.tell({ type: "N", n: "1" });
  other.tell({ type: "N", n: "2" });
  assert.deepEqual([await one.session.waitFor("N"), await other.session.waitFor("N")], [{ n: 1 }, { n: 2 }]);
});

test("types that count as the same have the same schema", BOUND, async (t) => {
  const server = createServer((_, response) => response.writeHead(200, { "content-type": "text/event-stream" }).write('data: {"type":"n","n":"7"}\n\n'));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const dialect = { name: "json", ignoreCase: true };
  const session = connect({ url: `http://127.0.0.1:${server.address().port}/`, transports: ["sse"], remember: false, dialect, check: schemas({ events: { N } }) });
  t.after(async () => {
    await session.close();
    server.closeAllConnections();
    server.close();
  });
  assert.deepEqual(await session.waitFor("N"), { n: 7 });
});

test("options that cannot be meant are refused", () => {
  for (const options of [undefined, null, 7, { events: 7 }, { events: null }, { events: { N: {} } }, { commands: { N: null } }, { replies: { N: "string" } }, { invalid: "ignore" }, { event: {} }]) {
    assert.throws(() => connect({ check: schemas(options) }), (error) => error instanceof SessionError && error.code === "bad_option", JSON.stringify(options));
  }
  assert.throws(() => connect({ check: {} }), { code: "bad_option" });
});
