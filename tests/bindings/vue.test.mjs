// Vue: what every binding owes, and what only Vue does.

import assert from "node:assert/strict";
import { test } from "node:test";

import { inBrowsers } from "../e2e/support/suite.mjs";
import { forNode, forPage } from "./support/bundle.mjs";
import { contract } from "./support/contract.mjs";

const modules = { "/app.js": await forPage("vue.ts") };

test("on a server a scope has no session", async () => {
  globalThis.made = [];
  const { scoped } = await forNode("vue-server.ts");
  const { session, state, stop } = scoped([]);
  assert.deepEqual([session.value, state.value, globalThis.made], [null, "idle", []]);
  stop();
});

inBrowsers((world) => {
  const { check, checkQuiet } = contract(world, "vue-server.ts", { suspends: true });

  checkQuiet("a scope of its own has a session at once, until it is stopped", async (evaluate, opened) => {
    const seen = await evaluate(async () => {
      const told = [];
      const { session, state, transport, error, room, stop } = app.scoped(told);
      const [first] = made;
      const atOnce = session.value === first;
      await harness.until(() => state.value === "connected");
      await first.send("ECHO", 1);
      await harness.until(() => told.length);
      room.value = "green";
      await over(first);
      await harness.until(() => state.value === "connected" && session.value === made[1]);
      await made[1].send("ECHO", 2);
      await harness.until(() => told.length === 2);
      const carried = transport.value;
      stop();
      await over(made[1]);
      return { atOnce, told, carried, error: error.value ?? null, made: made.length };
    });
    assert.deepEqual(seen, { atOnce: true, told: [1, 2], carried: "websocket", error: null, made: 2 });
    assert.equal(await opened(), 2);
  });

  check("the status tells what failed, for as long as it matters, to whoever asks whenever", async (evaluate) => {
    await evaluate(async () => {
      const { session, ask, stop } = app.failing();
      await harness.until(() => session.value.state === "failed");
      const { state, error } = ask();
      window.failed = [state.value, error.value?.code];
      stop();
      window.scope = app.scoped([]);
      await harness.until(() => scope.state.value === "connected");
    });
    await world.server.faults({ kind: "down" });
    await world.server.cut("websocket");
    await evaluate(() => harness.until(() => scope.state.value === "reconnecting"));
    const lost = await evaluate(() => [scope.error.value instanceof Error, scope.transport.value]);
    await world.server.faults();
    const seen = await evaluate(async () => {
      await harness.until(() => scope.state.value === "connected");
      scope.stop();
      return { failed, error: scope.error.value ?? null, transport: scope.transport.value };
    });
    assert.deepEqual(lost, [true, null]);
    assert.deepEqual(seen, { failed: ["failed", "transport_unavailable"], error: null, transport: "websocket" });
  });

  checkQuiet("a scope that is stopped hears no more of a session that goes on", async (evaluate) => {
    const seen = await evaluate(async () => {
      const [first, second] = [[], []];
      const [gone, stays] = [app.scoped(first), app.scoped(second)];
      await harness.until(() => gone.state.value === "connected");
      gone.stop();
      await made[0].send("ECHO", 1);
      await harness.until(() => second.length);
      await made[0].close();
      const states = [gone.state.value, stays.state.value];
      stays.stop();
      return { first, second, states, made: made.length };
    });
    assert.deepEqual(seen, { first: [], second: [1], states: ["connected", "closed"], made: 1 });
  });

  checkQuiet("a scope within a component ends its session", async (evaluate) => {
    const seen = await evaluate(async () => {
      const root = place();
      const told = {};
      const { unmount } = app.mount(root, app.Inner, { told });
      await shows(root, "p", "connected");
      told.stop();
      await over(made[0]);
      unmount();
      return made.length;
    });
    assert.equal(seen, 1);
  });

  checkQuiet("a session works among what is deeply reactive", async (evaluate) => {
    const echo = await evaluate(async () => {
      const { session, stop } = app.scoped([]);
      const echo = await app.kept(session.value).request("ECHO", 7);
      stop();
      return echo;
    });
    assert.equal(echo, 7);
  });

  checkQuiet("what is put away in KeepAlive keeps its session", async (evaluate) => {
    const seen = await evaluate(async () => {
      const root = place();
      const { update, unmount } = app.mount(root, app.Alive, { shown: true });
      await shows(root, "p", "connected");
      update({ shown: false });
      await shows(root, "p", "away");
      const echo = await made[0].request("ECHO", 7);
      update({ shown: true });
      await shows(root, "p", "connected");
      unmount();
      await over(made[0]);
      return [echo, made.length];
    });
    assert.deepEqual(seen, [7, 1]);
  });

  checkQuiet("a component renders again when what it reads changes, and only then", async (evaluate) => {
    const seen = await evaluate(async () => {
      const root = place();
      const told = [];
      const { unmount } = app.mount(root, app.Counts, { told });
      await shows(root, "p", "true");
      await made[0].request("ECHO");
      await made[0].close();
      await shows(root, "p", "false");
      unmount();
      return told;
    });
    assert.deepEqual(seen, [false, true, false]);
  });
}, { browsers: ["chromium"], media: true, modules });
