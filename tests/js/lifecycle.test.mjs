// One listener for all that befalls a session.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Listeners } from "../../pkg/js/listeners.js";

test("`lifecycle` hears each event in its order, after who listens for it alone, and no message", () => {
  const told = [];
  const listeners = new Listeners(["rung"]);
  listeners.add("lifecycle", (event) => told.push(event), false);
  listeners.add("state", (event) => told.push(["alone", event]), false);
  listeners.emit("state", { from: "idle", to: "connecting" });
  listeners.emit("rung", { gapMs: 5 });
  listeners.message("AI_MESSAGE", { text: "hi" });
  listeners.message("lifecycle", "a message with this name");
  assert.deepEqual(told, [["alone", { from: "idle", to: "connecting" }], { name: "state", event: { from: "idle", to: "connecting" } }, { name: "rung", event: { gapMs: 5 } }]);
});

test("an error that `lifecycle` hears was heard", () => {
  const listeners = new Listeners();
  assert.equal(listeners.emit("error", new Error("unheard")), false);
  const off = listeners.add("lifecycle", () => {}, false);
  assert.equal(listeners.emit("error", new Error("heard")), true);
  off();
  assert.equal(listeners.emit("error", new Error("unheard")), false);
});

test("a message of that name is heard behind the prefix", () => {
  const heard = [];
  const listeners = new Listeners();
  listeners.add("message:lifecycle", (payload) => heard.push(payload), false);
  listeners.message("lifecycle", 7);
  listeners.emit("state", {});
  assert.deepEqual(heard, [7]);
});
