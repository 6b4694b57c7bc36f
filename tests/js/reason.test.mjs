// Why a function of the application's failed is told with its own failure alone.

import assert from "node:assert/strict";
import { test } from "node:test";

import { TROUBLE } from "../../pkg/js/core.js";
import { codeOf } from "../../pkg/js/error.js";
import { Host } from "../../pkg/js/host.js";
import { perform } from "../../pkg/js/perform.js";

const TOKEN_CAUSE = 15;
const CONNECT = 0;

test("a function that hangs is not told by the cause of the one that failed before it", async () => {
  assert.equal(codeOf(TOKEN_CAUSE, 0), "token");
  const cause = new Error("no network");
  const asked = [() => Promise.reject(cause), () => new Promise(() => {})];
  const host = new Host({ token: () => asked.shift()() }, { transports: [0], events: [] });
  const told = [];
  host.listeners.add("error", (error) => told.push(error), false);
  const fail = () => perform(host, [TROUBLE, TOKEN_CAUSE, -1, -1, -1, -1]);
  const heard = new Promise((resolve) => (host.tell = () => resolve(fail())));
  host.askToken(CONNECT);
  await heard;
  host.askToken(CONNECT);
  fail();
  host.close();
  assert.deepEqual(told.map(({ code, cause }) => [code, cause]), [["token", cause], ["token", undefined]]);
});
