// The quick ones of the cells. All of them: `cargo xtask measure packaging`.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { perform } from "./support/cell.mjs";
import { readCells } from "./support/cells.mjs";
import { serveFolder } from "./support/gateway.mjs";
import { install } from "./support/install.mjs";
import { startWorld } from "./support/world.mjs";

/** Cells and their modes that are quick and differ in kind. */
const QUICK = {
  page: ["build"],
  vite: ["build"],
  webpack: ["build"],
  esbuild: ["build"],
  parcel: ["build"],
  worker: ["build"],
  node: ["22-import", "22-websocket", "22-sse", "22-long-poll", "22-wasm"],
};

/** What needs a framework, or the thread of an audio context. */
const OTHERS = ["./react", "./vue", "./svelte", "./audio-worklet.js"];

let world;
before(async () => void (world = await startWorld()));
after(() => world?.stop());

for (const cell of await readCells(Object.keys(QUICK))) {
  for (const mode of QUICK[cell.name]) {
    test(`${cell.name}: ${mode}`, async () => {
      for (const line of await perform(cell, mode, world)) assert.deepEqual(line.wrong ?? [], [], line.name);
    });
  }
}

test("importing an entry leaves nothing in a page", async () => {
  const [cell] = await readCells(["page"]);
  const app = await install(cell, world.tarball);
  const { exports } = JSON.parse(await readFile(join(app, "node_modules/throughline/package.json"), "utf8"));
  const paths = Object.entries(exports).filter(([entry, { default: file }]) => file?.endsWith(".js") && !OTHERS.includes(entry)).map(([, target]) => new URL(target.default, "http://app/node_modules/throughline/").pathname);
  assert.ok(paths.length >= 5, String(paths));
  const site = await serveFolder(app);
  try {
    await world.browser.open(`${site.url}/blank.html`);
    const added = await world.browser.evaluate(async (paths) => {
      const before = Reflect.ownKeys(window);
      for (const path of paths) await import(path);
      return Reflect.ownKeys(window).filter((name) => !before.includes(name)).map(String);
    }, paths);
    assert.deepEqual(added, []);
    assert.deepEqual(await world.browser.complaints(), []);
  } finally {
    site.stop();
  }
});
