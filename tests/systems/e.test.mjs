// System E: a show's stream behind a token, what keeps it alive, who is counted, and the polls beside it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { get, openStream, post } from "./support/client.mjs";
import { sharedSystem, systemFor } from "./support/start.mjs";

const BEARER = { Authorization: "Bearer operator" };
const emit = ({ url }, showId, text) => post(`${url}/api/debug/emit-comment`, { showId, text });
const watch = ({ url }, show, headers = BEARER) => openStream(`${url}/api/shows/${show}/stream`, headers);
const poll = ({ url }, show, query = "", headers = {}) => get(`${url}/api/shows/${show}/events${query}`, { ...BEARER, ...headers });
const clients = async ({ url }) => (await get(`${url}/api/clients`)).body;

test("a comment reaches those who watch its show, and nobody else", async () => {
  const system = await sharedSystem("e");
  const [one, two, other] = await Promise.all([watch(system, "7"), watch(system, "7"), watch(system, "8")]);
  assert.deepEqual([one.status, one.headers.get("content-type")], [200, "text/event-stream"]);
  const { status, body } = await emit(system, "7", "hello");
  assert.deepEqual([status, body], [200, { showId: "7", delivered: 2 }]);
  await emit(system, "8", "elsewhere");
  for (const stream of [one, two]) {
    const [{ data, id }] = await stream.events.first(1);
    assert.equal(id, undefined);
    const { id: comment, timestamp, ...rest } = data;
    assert.deepEqual(rest, { type: "COMMENT", showId: "7", author: "operator", text: "hello" });
    assert.equal(new Date(timestamp).toISOString(), timestamp);
    assert.ok(comment);
  }
  assert.equal((await other.events.first(1))[0].data.text, "elsewhere");
  for (const stream of [one, two, other]) stream.close();
});

test("a show's name may hold what a path escapes", async () => {
  const system = await sharedSystem("e");
  const stream = await watch(system, encodeURIComponent("a/b c"));
  assert.equal((await emit(system, "a/b c", "hello")).body.delivered, 1);
  await stream.events.first(1);
  stream.close();
});

test("who has no token, or another, is refused", async (t) => {
  const system = await systemFor(t, "e");
  for (const headers of [{}, { Authorization: "Bearer other" }, { Authorization: "operator" }]) {
    for (const route of ["stream", "events"]) {
      const answer = await get(`${system.url}/api/shows/7/${route}?token=operator`, headers);
      assert.deepEqual([answer.status, answer.headers.get("www-authenticate")], [401, "Bearer"]);
    }
  }
  assert.deepEqual(await clients(system), { clients: 0, shows: {} });
});

test("with --query-token the token may stand in the query, and stays out of the log", async (t) => {
  const system = await systemFor(t, "e", "--query-token", "--token", "s3cret");
  const address = `${system.url}/api/shows/7/stream`;
  const stream = await openStream(`${address}?token=s3cret`);
  assert.equal(stream.status, 200);
  assert.equal((await get(`${address}?token=operator`)).status, 401);
  stream.close();
  await system.log.until((line) => line.includes("GET /api/shows/7/stream 200"));
  assert.ok(!system.log.all.some((line) => line.includes("s3cret")));
});

test("heartbeats keep a stream alive that has nothing to tell", async () => {
  const system = await sharedSystem("e", "--heartbeat", "20");
  const stream = await watch(system, "7");
  assert.deepEqual(await stream.events.first(3), Array(3).fill({ comment: "heartbeat" }));
  stream.close();
});

test("those who watch are counted as they come and go", async (t) => {
  const system = await systemFor(t, "e");
  assert.deepEqual(await clients(system), { clients: 0, shows: {} });
  assert.equal((await emit(system, "7", "to nobody")).body.delivered, 0);
  await system.log.until((line) => line.endsWith("comment to 0/0 clients"));
  const one = await watch(system, "7");
  const two = await watch(system, "__proto__");
  await system.log.until((line) => line.endsWith(" 2 clients"));
  assert.equal(JSON.stringify(await clients(system)), '{"clients":2,"shows":{"7":1,"__proto__":1}}');
  await emit(system, "7", "to one");
  await system.log.until((line) => line.endsWith("comment to 1/1 clients"));
  one.close();
  await system.log.until((line) => line.endsWith(" 1 clients"), 3);
  two.close();
  await system.log.until((line) => line.endsWith(" 0 clients"));
  assert.deepEqual(await clients(system), { clients: 0, shows: {} });
  assert.equal((await emit(system, "7", "to nobody")).body.delivered, 0);
});

test("polls go on from their cursor, and a tag says that there is nothing new", async () => {
  const system = await sharedSystem("e");
  assert.deepEqual((await poll(system, "polled")).body, { events: [], cursor: "0" });
  await emit(system, "polled", "one");
  await emit(system, "polled", "two");
  const { body, headers } = await poll(system, "polled");
  assert.deepEqual([body.events.map(({ text }) => text), body.cursor], [["one", "two"], "2"]);
  const tag = { "If-None-Match": headers.get("etag") };
  assert.equal((await poll(system, "polled", "?cursor=2", tag)).status, 304);
  await emit(system, "polled", "three");
  const next = await poll(system, "polled", "?cursor=2", tag);
  assert.deepEqual([next.status, next.body.events.map(({ text }) => text), next.body.cursor], [200, ["three"], "3"]);
  assert.deepEqual((await poll(system, "nobody", "?cursor=3")).body, { events: [], cursor: "0" });
});

test("a cursor that is ahead gets everything, one that is none is refused", async () => {
  const system = await sharedSystem("e");
  await emit(system, "ahead", "one");
  assert.deepEqual((await poll(system, "ahead", "?cursor=99")).body.events.map(({ text }) => text), ["one"]);
  for (const cursor of ["-1", "x", "1e3", ""]) assert.equal((await poll(system, "ahead", `?cursor=${cursor}`)).status, 400);
});

test("a show keeps so many events and no more", async () => {
  const system = await sharedSystem("e");
  for (let number = 1; number <= 203; number++) await emit(system, "long", `${number}`);
  const { events, cursor } = (await poll(system, "long")).body;
  assert.deepEqual([events.length, events[0].text, events.at(-1).text, cursor], [200, "4", "203", "203"]);
});

test("with --silent-after a stream stays open and tells nothing, and its client is not said to be reached", async (t) => {
  const system = await systemFor(t, "e", "--silent-after", "50", "--heartbeat", "10");
  const stream = await watch(system, "7");
  await stream.events.first(1);
  const spoken = [];
  for (let delivered = 1, number = 1; delivered; number++) {
    assert.ok(number < 2_000, "it never fell silent");
    ({ delivered } = (await emit(system, "7", `${number}`)).body);
    if (delivered) spoken.push(`${number}`);
  }
  assert.equal((await clients(system)).clients, 1);
  // What was sent arrives before the end of what sent it.
  await system.stop();
  await stream.ended();
  assert.deepEqual(stream.events.all.filter(({ data }) => data).map(({ data }) => data.text), spoken);
});

test("a comment that cannot be meant is refused", async () => {
  const system = await sharedSystem("e");
  for (const body of [{}, { text: 7 }, { text: "" }, { text: "x", showId: 7 }, { text: "x", author: [] }]) {
    assert.equal((await post(`${system.url}/api/debug/emit-comment`, body)).status, 400, JSON.stringify(body));
  }
  assert.equal((await post(`${system.url}/api/debug/emit-comment`, { text: "x" })).body.showId, "demo");
});
