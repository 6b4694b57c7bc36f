// Event streams as the HTML Standard reads them (§9.2.5, §9.2.6), however they are cut. `tests/data/sse` has one `NAME.txt` for
// each case, the bytes of a stream, and a `NAME.json` with what it means.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { eventStream } from "../../src/transport/event-stream.js";

const FOLDER = new URL("../data/sse/", import.meta.url);
const GOLDEN = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".txt"))
  .map((name) => {
    const { events, waits } = JSON.parse(readFileSync(new URL(name.replace(".txt", ".json"), FOLDER), "utf8"));
    return { name, stream: readFileSync(new URL(name, FOLDER)), means: { events, waits, over: false } };
  });

/** What chunks mean; `over` says that the reader refused to go on. */
function read(limit, chunks) {
  const events = [];
  const waits = [];
  const push = eventStream(limit, (type, data, id) => events.push({ type, data, id }), (ms) => waits.push(ms));
  return { events, waits, over: !chunks.every(push) };
}

/** A stream in chunks of these sizes, over and over. */
function cut(stream, sizes) {
  const chunks = [];
  for (let at = 0, i = 0; at < stream.length; i++) chunks.push(stream.subarray(at, (at += sizes[i % sizes.length])));
  return chunks;
}

/** Reads a whole stream with no regard to time or memory: decode, cut into lines, follow §9.2.6. */
function reference(stream) {
  const lines = new TextDecoder().decode(stream).replaceAll("\r\n", "\n").replaceAll("\r", "\n").split("\n").slice(0, -1);
  const events = [];
  const waits = [];
  let [data, type, id] = ["", "", ""];
  for (const line of lines) {
    if (line === "") {
      if (data !== "") events.push({ type: type === "" ? "message" : type, data: data.slice(0, -1), id });
      [data, type] = ["", ""];
      continue;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "data") data += value + "\n";
    else if (field === "event") type = value;
    else if (field === "id" && !value.includes("\0")) id = value;
    else if (field === "retry" && value !== "" && [...value].every((char) => "0123456789".includes(char))) waits.push(Number(value));
  }
  return { events, waits, over: false };
}

/** Numbers below 1, the same ones each time (mulberry32). */
function dice(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let n = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    n = (n + Math.imul(n ^ (n >>> 7), 61 | n)) ^ n;
    return ((n ^ (n >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Streams made of what means something to a reader, and of anything else. */
const WORDS = [
  "data", "data", "data: ", "event", "event:", "id", "id: 1", "retry", "retry:9", ":", ":", ": ", " ", "x", "7", "\0", "\n", "\n", "\n\n", "\r", "\r", "\r\n",
  "\r\n\r\n", "99999999999999999999", "\u2028", "\u0085", "\v",
].map((word) => Buffer.from(word)).concat(
  ["ef", "bb", "bf", "efbbbf", "c3a9", "f09f9880", "e282", "eda080", "f490", "ff"].map((hex) => Buffer.from(hex, "hex")),
);

function soup(random) {
  const words = Array.from({ length: random() * 50 }, () => WORDS[Math.floor(random() * WORDS.length)]);
  const sizes = Array.from({ length: 8 }, () => 1 + Math.floor(random() * 8));
  return { stream: Buffer.concat(words), sizes };
}

test("every golden stream means the same however it is cut", () => {
  assert.ok(GOLDEN.length > 50);
  for (const { name, stream, means } of GOLDEN) {
    assert.deepEqual(reference(stream), means, `${name}: the reference`);
    assert.deepEqual(read(Infinity, [stream]), means, `${name}, whole`);
    assert.deepEqual(read(Infinity, cut(stream, [1])), means, `${name}, byte by byte`);
    for (let at = 0; at <= stream.length; at++) {
      const chunks = [stream.subarray(0, at), stream.subarray(0, 0), stream.subarray(at)];
      assert.deepEqual(read(Infinity, chunks), means, `${name}, cut at ${at}`);
    }
  }
});

test("any stream means what the reference says, and the limit strikes at the same event however it is cut", () => {
  for (let seed = 1; seed <= 5_000; seed++) {
    const random = dice(seed);
    const { stream, sizes } = soup(random);
    const means = reference(stream);
    assert.deepEqual(read(Infinity, cut(stream, sizes)), means, `seed ${seed}`);
    const limit = Math.floor(random() * 40);
    const whole = read(limit, [stream]);
    assert.deepEqual(read(limit, cut(stream, sizes)), whole, `seed ${seed}, at most ${limit}`);
    assert.deepEqual(whole.events, means.events.slice(0, whole.events.length), `seed ${seed}, at most ${limit}`);
    if (!whole.over) assert.deepEqual(whole, means, `seed ${seed}, at most ${limit}`);
  }
});

test("a line end counts at once, even a CR as the last byte of a chunk", () => {
  const heard = [];
  const push = eventStream(Infinity, (_, data) => heard.push(data), () => {});
  const after = (text) => (push(Buffer.from(text)), heard.length);
  assert.equal(after("data: a\r"), 0);
  assert.equal(after("\n"), 0);
  assert.equal(after("\r"), 1);
  assert.equal(after("\ndata: b\n"), 1);
  assert.equal(after("\n"), 2);
  assert.deepEqual(heard, ["a", "b"]);
});

test("the limit counts the data and the line being read", () => {
  for (const [stream, most] of [
    ["data: abc\n\n", 9],
    ["data: abc\ndata: def\n\n", 4 + 9],
    ["event: abc\ndata: def\n\n", 10],
    ["data: abc\n: in between\ndata: def\n\n", 4 + 12],
    ["data: abc\nunknown: abcdef\n\n", 4 + 15],
    ["id: abcdefghi\n\n", 13],
    ["\ufeffdata: abc\n\n", 9],
    ["data: unfinished", 16],
    ["\r\n\r\n", 0],
  ]) {
    for (const chunks of [[Buffer.from(stream)], cut(Buffer.from(stream), [1])]) {
      assert.equal(read(most, chunks).over, false, `${JSON.stringify(stream)} within ${most}`);
      assert.equal(most > 0 && read(most - 1, chunks).over, most > 0, `${JSON.stringify(stream)} within ${most - 1}`);
    }
  }
});

test("what is done with does not count towards the limit", () => {
  for (const lines of ["data: abc\n\n", "event: a\n\n", ":\n", "id: 1\n", "retry: 1\n", "x: y\r\n"]) {
    assert.equal(read(9, [Buffer.from(lines.repeat(1_000))]).over, false, JSON.stringify(lines));
  }
});

test("events before one over the limit are heard", () => {
  const { events, over } = read(12, [Buffer.from("id: 1\ndata: a\n\n: too long a line\ndata: b\n\n")]);
  assert.deepEqual(events, [{ type: "message", data: "a", id: "1" }]);
  assert.equal(over, true);
});
