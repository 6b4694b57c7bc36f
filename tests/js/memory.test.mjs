// What worked is remembered for a while, and never for good.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { recall, remember } from "../../pkg/js/memory.js";

const MINUTE = 60_000;
const [WEBSOCKET, SSE] = [0, 1];
const kept = new Map();

beforeEach((t) => {
  kept.clear();
  globalThis.location = /** @type {any} */ ({});
  globalThis.localStorage = /** @type {any} */ ({ getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => kept.set(key, text) });
  t.mock.timers.enable({ apis: ["Date"] });
});

test("the reliable dialect knows for a day what worked last", (t) => {
  remember("here", SSE, 7);
  t.mock.timers.tick(1_439 * MINUTE);
  assert.deepEqual(recall("here"), [SSE, 7]);
  remember("here", SSE, 8);
  t.mock.timers.tick(2 * MINUTE);
  assert.deepEqual(recall("here"), [SSE, 8]);
  t.mock.timers.tick(1_440 * MINUTE);
  assert.deepEqual(recall("here"), []);
});

test("a plain dialect knows it for ten minutes from the first time, however often it works", (t) => {
  remember("here", SSE, 7, true);
  t.mock.timers.tick(9 * MINUTE);
  remember("here", SSE, 8, true);
  assert.deepEqual(recall("here", true), [SSE, 8]);
  t.mock.timers.tick(2 * MINUTE);
  assert.deepEqual(recall("here", true), []);
  remember("here", WEBSOCKET, 9, true);
  assert.deepEqual(recall("here", true), [WEBSOCKET, 9]);
});

test("what somebody else wrote there is nothing", () => {
  kept.set("throughline", "{");
  assert.deepEqual(recall("here"), []);
  kept.set("throughline", JSON.stringify({ here: "sse" }));
  assert.deepEqual(recall("here"), []);
  remember("here", SSE, 7);
  assert.deepEqual(recall("here"), [SSE, 7]);
});

test("a program that is no page leaves storage alone", () => {
  delete globalThis.location;
  let touched = 0;
  const { localStorage } = globalThis;
  Object.defineProperty(globalThis, "localStorage", { configurable: true, get: () => touched++ });
  remember("here", SSE, 7);
  assert.deepEqual(recall("here"), []);
  Object.defineProperty(globalThis, "localStorage", { configurable: true, writable: true, value: localStorage });
  assert.equal(touched, 0);
});
