// Svelte: what every binding owes, and what only Svelte does, in versions 5 and 4.

import assert from "node:assert/strict";
import { test } from "node:test";

import { inBrowsers } from "../e2e/support/suite.mjs";
import { forNode, forPage } from "./support/bundle.mjs";
import { contract } from "./support/contract.mjs";

const modules = { "/app.js": await forPage("svelte.ts"), "/svelte4.js": await forPage("svelte4.ts", { svelte4: true }) };

/** Mounts a room, changes its key, hears a message in each, and is gone. */
async function visits(from, component) {
  const { mount, [component]: Room } = await import(from);
  const root = place();
  const { update, unmount } = mount(root, Room, { room: "blue" });
  for (const room of ["blue", "green"]) {
    update({ room });
    await harness.until(() => made.length === (room === "blue" ? 1 : 2));
    await shows(root, "p", "connected");
    root.querySelector("button").click();
    await harness.until(() => root.querySelector("ul").textContent.endsWith(`from ${room}`));
  }
  unmount();
  await Promise.all(made.map(over));
  return [made.length, root.textContent.trim()];
}

test("on a server a store has no session, however long somebody subscribes", async () => {
  globalThis.made = [];
  const { room } = await forNode("svelte-server.ts");
  const values = [];
  const stop = room().subscribe((session) => values.push(session));
  await new Promise((resolve) => setImmediate(resolve));
  stop();
  assert.deepEqual([values, globalThis.made], [[null], []]);
});

inBrowsers((world) => {
  const { checkQuiet } = contract(world, "svelte-server.ts");

  for (const [name, from, component] of [["Svelte 4", "/svelte4.js", "Room"], ["Svelte 5, in its older syntax", "/app.js", "Legacy"]]) {
    checkQuiet(`stores work in ${name}`, async (evaluate, opened) => {
      assert.deepEqual(await evaluate(visits, from, component), [2, ""]);
      assert.equal(await opened(), 2);
    });
  }

  checkQuiet("a look that ends at once makes nothing, and sees what is there", async (evaluate) => {
    const seen = await evaluate(async () => {
      const nothing = app.look();
      await Promise.resolve();
      const before = made.length;
      const values = [];
      const room = app.room();
      for (const n of [0, 1]) {
        const stop = room.subscribe((session) => values.push(session?.state ?? null));
        await harness.until(() => made[n]?.state === "connected");
        stop();
        await over(made[n]);
      }
      return { nothing, before, values, made: made.length };
    });
    assert.deepEqual(seen, { nothing: null, before: 0, values: [null, "connecting", null, "connecting"], made: 2 });
  });

  checkQuiet("a store of the last message, and the state of a session that is no store", async (evaluate) => {
    const seen = await evaluate(async () => {
      const root = place();
      const stop = app.room().subscribe(() => {});
      await harness.until(() => made[0]?.state === "connected");
      const { unmount } = app.mount(root, app.Last, { session: made[0] });
      await shows(root, "p", "none");
      await shows(root, "i", "connected");
      made[0].send("ECHO", { text: "first" });
      await shows(root, "p", "first");
      made[0].send("ECHO", { text: "second" });
      await shows(root, "p", "second");
      stop();
      await made[0].request("ECHO");
      unmount();
      await over(made[0]);
      return made.length;
    });
    assert.equal(seen, 1);
  });
}, { browsers: ["chromium"], media: true, modules });
