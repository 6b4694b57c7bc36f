// The dialect `json` without a browser: what comes is told apart, what goes has its shape.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

import { READY } from "../../pkg/js/core.js";
import { Json, misfit } from "../../pkg/js/json.js";
import { Listeners } from "../../pkg/js/listeners.js";
import { ask } from "../../src/transport/fetch.js";
import { ANSWER } from "../../src/transport/unit.js";

const { signal: lasting } = new AbortController();
const call = (run) => run(lasting);
const until = async (met) => {
  while (!met()) await new Promise((resolve) => setImmediate(resolve));
};

/** Stands where the page's host does and writes down what it hears. */
function heard(json, data, name) {
  const all = [];
  const host = {
    accept: () => 1,
    message: (type, payload) => all.push([type, payload]),
    badMessage: (bad) => all.push(["bad", bad]),
    reply: (id, _, item) => id === 7 && all.push(["reply", item]),
    refusal: (id, item) => all.push(["refusal", id, item]),
    tell: (input) => all.push(["told", input]),
  };
  json.receive(host, 1, typeof data === "object" && !(data instanceof ArrayBuffer) ? JSON.stringify(data) : data, name);
  return all;
}

test("a type is found by its member, by a function, or by the event's name", () => {
  assert.deepEqual(heard(new Json({}), { type: "A" }), [["A", { type: "A" }]]);
  assert.deepEqual(heard(new Json({ type: "kind" }), { kind: "A", type: "B" }), [["A", { kind: "A", type: "B" }]]);
  const byShape = new Json({ type: ({ audio }) => audio && "audio" });
  assert.deepEqual(heard(byShape, { audio: "x" }), [["audio", { audio: "x" }]]);
  assert.deepEqual(heard(byShape, "null", "news"), [["news", null]]);
  assert.deepEqual(heard(new Json({}), { text: "x" }, "comment"), [["comment", { text: "x" }]]);
});

test("what is no message is told, or is raw, and in an answer it is nobody's", () => {
  for (const data of ["no JSON", "5", '"text"', "null", "{}", '{"type":5}', "[[]]"]) {
    assert.deepEqual(heard(new Json({}), data, "message"), [["bad", data]]);
    assert.deepEqual(heard(new Json({ raw: true }), data), [["raw", data]]);
    assert.deepEqual(heard(new Json({ raw: true }), data, ANSWER), []);
  }
  assert.deepEqual(heard(new Json({}), '[{"type":"A"},5,{"type":"B"}]').map(([type]) => type), ["A", "bad", "B"]);
  assert.deepEqual(heard(new Json({}), new Uint8Array([1]).buffer), [["binary", new Uint8Array([1])]]);
});

test("a unit with several things that are no messages is told once", () => {
  assert.deepEqual(heard(new Json({ raw: true }), "[1,2,3]"), [["raw", "[1,2,3]"]]);
  assert.deepEqual(heard(new Json({}), "[1,2,3]"), [["bad", "[1,2,3]"]]);
});

test("an answer to a POST is heard while its link lives, and says nothing of the stream", () => {
  const json = new Json({});
  const all = [];
  const host = { accept: () => assert.fail("a sign of life"), links: new Map([[1, {}]]), message: (type) => all.push(type) };
  json.receive(host, 1, '{"type":"A"}', ANSWER);
  host.links.delete(1);
  json.receive(host, 1, '{"type":"B"}', ANSWER);
  assert.deepEqual(all, ["A"]);
});

test("an envelope is opened once the core takes what came, and its id is where to go on", () => {
  const envelope = ({ data, id }) => (id ? { data: data.toUpperCase(), id } : data === "again" ? undefined : { data: '{"type":"B"}' });
  const json = new Json({ envelope });
  let accepted = 1;
  const all = [];
  const host = { accept: () => accepted, message: (type) => all.push(type), lastEventId: undefined };
  const receive = (data, id) => json.receive(host, 1, data, "message", id);
  receive("b", undefined);
  receive("again", undefined);
  assert.deepEqual([all, host.lastEventId], [["B"], undefined]);
  const upper = new Json({ type: "TYPE", envelope });
  upper.receive(host, 1, '{"type":"a"}', "message", "7:1");
  assert.deepEqual([all, host.lastEventId], [["B", "A"], "7:1"]);
  accepted = 0;
  upper.receive(host, 1, '{"type":"a"}', "message", "7:2");
  assert.deepEqual([all, host.lastEventId], [["B", "A"], "7:1"]);
});

test("a server whose messages have no type gets none, and its binary messages are JSON where that is said", () => {
  const json = new Json({ type: (message) => Object.keys(message)[0], write: ({ type, ...message }) => message, binary: "json" });
  assert.deepEqual(json.encode("setup", { setup: { model: "m" } }).raw, '{"setup":{"model":"m"}}');
  const bytes = new TextEncoder().encode('{"setupComplete":{}}').buffer;
  assert.deepEqual(heard(json, bytes), [["setupComplete", { setupComplete: {} }]]);
  assert.deepEqual(heard(json, Uint8Array.of(255).buffer).map(([type]) => type), ["bad"]);
  assert.deepEqual([misfit({ write: "no" }), misfit({ write: String, binary: "json" })], ["write", undefined]);
});

test("names that every object has are types like others", () => {
  const json = new Json({ alias: { A: "B" }, post: {} });
  for (const type of ["constructor", "__proto__", "toString"]) {
    assert.deepEqual(heard(json, `{"type":"${type}"}`)[0][0], type);
    assert.equal(json.shapeOf(json.encode(type, { n: 1 })).body, `{"n":1,"type":"${type}"}`);
  }
});

test("any of several ready types is a sign, whatever its case", () => {
  const json = new Json({ ready: ["Welcome", "RESUMED"], ignoreCase: true, alias: { welcome: "HELLO" } });
  assert.deepEqual(heard(json, { type: "WELCOME" }), [["told", READY], ["HELLO", { type: "WELCOME" }]]);
  assert.deepEqual(heard(json, { type: "resumed" }), [["told", READY], ["resumed", { type: "resumed" }]]);
  assert.deepEqual(heard(new Json({ ready: "Welcome" }), { type: "WELCOME" }), [["WELCOME", { type: "WELCOME" }]]);
});

test("the session's id is learned, and is in what goes after", () => {
  const json = new Json({ session: { from: "MADE", member: "sid" } });
  assert.equal(json.textOf(json.encode("A", { n: 1 })), '{"n":1,"type":"A"}');
  const early = json.encode("A", { n: 1 });
  heard(json, { type: "MADE", sid: 5 });
  assert.deepEqual(JSON.parse(json.textOf(early)), { sid: 5, n: 1, type: "A" });
  assert.deepEqual(JSON.parse(json.textOf(json.encode("A", { sid: "own" }))), { sid: "own", type: "A" });
  heard(json, { type: "MADE" });
  assert.equal(json.id, 5);
  const bytes = new Uint8Array([255]);
  assert.equal(json.textOf({ type: "A", raw: bytes }), bytes);
});

test("what `write` makes of a message goes as it is, over a socket and in a POST, whatever the session is called", () => {
  const listed = new Json({ write: ({ type, ...message }) => [type, message], post: { same: (message) => ({ body: message }) } });
  const text = new Json({ write: ({ type }) => type });
  for (const id of [undefined, "s1"]) {
    listed.id = text.id = id;
    for (const type of ["chat", "same"]) {
      const body = listed.encode(type, { text: "hi" });
      assert.equal(listed.textOf(body), `["${type}",{"text":"hi"}]`);
      assert.equal(listed.shapeOf(body).body, `["${type}",{"text":"hi"}]`);
    }
    assert.equal(text.textOf(text.encode("chat")), '"chat"');
    assert.equal(text.shapeOf(text.encode("chat")).body, '"chat"');
  }
});

test("`start` has to find the session's id or an address, itself or in a server's answer", async () => {
  const host = { call, stats: { lost: 0 } };
  const found = [{ error: "down" }, null, new Response("no database", { status: 500 }), Response.json({ sessionId: "s1" })];
  const json = new Json({ session: { start: async () => found.shift() } });
  await assert.rejects(json.prepare(host), TypeError);
  await assert.rejects(json.prepare(host), TypeError);
  await assert.rejects(json.prepare(host), ({ code, status, details }) => code === "http_status" && status === 500 && details === "no database");
  await json.prepare(host);
  await json.prepare(host);
  assert.deepEqual([json.id, found], ["s1", []]);
  for (const addresses of [{ wsUrl: "wss://a.example/" }, { wsUrl: null }, { endpoints: { sse: "/stream" } }]) {
    await new Json({ session: { start: () => addresses } }).prepare(host);
  }
});

test("what is asked for a round is not taken once another round begins", async () => {
  const asked = [];
  const ask = (name) => ({ signal }) => new Promise((resolve) => asked.push({ name, signal, resolve }));
  const json = new Json({ session: { start: ask("start") }, hello: ask("hello") });
  const host = { call, stats: { lost: 0 } };
  const told = () => [asked.map(({ name }) => name), asked.map(({ signal }) => signal.aborted), json.id, json.found, json.greeting.map(({ type }) => type)];
  const rounds = [json.prepare(host), json.prepare(host)];
  assert.deepEqual(told(), [["start", "start"], [true, false], undefined, undefined, []]);
  asked[1].resolve({ sessionId: "s2", wsUrl: null });
  await until(() => asked.length === 3);
  asked[0].resolve({ sessionId: "s1", wsUrl: "wss://a.example/" });
  await assert.rejects(rounds[0], { name: "AbortError" });
  rounds.push(json.prepare(host));
  assert.deepEqual(told(), [["start", "start", "hello", "hello"], [true, true, true, false], "s2", { websocket: null }, []]);
  asked[3].resolve({ type: "NEW" });
  await rounds[2];
  asked[2].resolve({ type: "OLD" });
  await assert.rejects(rounds[1], { name: "AbortError" });
  assert.deepEqual(told().slice(2), ["s2", { websocket: null }, ["NEW"]]);
});

test("a reply is who asked's, an error is told and stays a message", () => {
  const json = new Json({ reply: { type: "DONE", match: "ref" }, errors: { type: "ERROR" } });
  const done = { type: "DONE", ref: 7 };
  assert.deepEqual(heard(json, done), [["reply", done]]);
  assert.deepEqual(heard(json, { ...done, ref: 8 }), [["DONE", { ...done, ref: 8 }]]);
  const error = { type: "ERROR", ref: 7, message: "no" };
  assert.deepEqual(heard(json, error), [["refusal", 7, error], ["ERROR", error]]);
});

test("a POST has the shape of its type, and bytes in JSON are base64", () => {
  const json = new Json({
    post: { sound: ({ data, sessionId }) => ({ path: "up", body: { sessionId, audio: data } }), END: { method: "DELETE", body: null }, "*": { headers: { "X-A": "1" } }, same: () => undefined },
  });
  json.id = "s";
  assert.deepEqual(json.shapeOf({ type: "sound", raw: new Uint8Array([255]) }), { path: "up", init: {}, body: '{"sessionId":"s","audio":"/w=="}' });
  assert.deepEqual(json.shapeOf(json.encode("END")), { path: "", init: { method: "DELETE" }, body: null });
  assert.deepEqual(json.shapeOf(json.encode("other", { b: new Uint8Array([255]) })), { path: "", init: { headers: { "X-A": "1" } }, body: '{"sessionId":"s","b":"/w==","type":"other"}' });
  assert.equal(json.shapeOf(json.encode("same", [1])).body, '{"sessionId":"s","payload":[1],"type":"same"}');
  assert.equal(json.shapeOf({ type: "x", raw: new Uint8Array([1]) }).body, '{"sessionId":"s","type":"x","data":"AQ=="}');
});

test("options that are none, or of another kind, are named", () => {
  for (const [name, value] of Object.entries({ typ: "x", type: 5, ready: 1, raw: "yes", hello: "x", post: "x", constructor: "x", toString: () => {}, heartbeat: 1n, alias: null, post: null })) {
    assert.equal(misfit({ name: "json", [name]: value }), name);
  }
  assert.equal(misfit({ name: "json", type: "kind", ready: ["A"], raw: false, hello: () => {}, heartbeat: 1, cut: "expected", poll: undefined }), undefined);
});

test("a listener hears what was kept, in order and once, if it asks for it", () => {
  const listeners = new Listeners();
  const [late, now] = [[], []];
  for (const n of [1, 2]) listeners.message("A", n, `e${n}`);
  listeners.message("B", 3);
  listeners.add("A", (n) => now.push(n), false);
  listeners.add("A", (n, { id }) => late.push([n, id]), false, { kept: true });
  assert.deepEqual([late, now], [[[1, "e1"], [2, "e2"]], []]);
  listeners.message("A", 4);
  assert.deepEqual([late.at(-1), now], [[4, undefined], [4]]);
  const once = [];
  for (const n of [5, 6]) listeners.message("B", n);
  listeners.add("B", (n) => once.push(n), true, { kept: true });
  assert.deepEqual(once, [3]);
  listeners.message("error", "a message of that type");
  const errors = [];
  listeners.add("error", (error) => errors.push(error), false, { kept: true });
  assert.deepEqual(errors, [], "it is no error of the session's");
});

test("what a server is greeted with is asked for anew where its token was refused first", async () => {
  let tokens = 0;
  const seen = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(seen.length % 2 ? 401 : 204).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const json = new Json({ hello: () => ({ type: "AUTH", token: host.token }) });
  const host = {
    json, call, stats: { lost: 0 }, credentials: "same-origin", options: { token: () => {} }, token: "old",
    refreshToken: async () => void (host.token = "fresh" + ++tokens),
  };
  const address = `http://127.0.0.1:${server.address().port}/`;
  const greeting = () => json.greeting.map(({ raw }) => JSON.parse(raw).token);
  await json.greet(host);
  await ask(host, address, lasting, "text/event-stream");
  assert.deepEqual([seen, greeting()], [["Bearer old", "Bearer fresh1"], ["fresh1"]]);
  await ask(host, address, lasting, "", { method: "POST" });
  assert.deepEqual([host.token, greeting()], ["fresh2", ["fresh1"]], "over a link that is open, none is greeted");
  server.close();
});
