// The quick ones of the cells. All of them: `cargo xtask measure packaging`.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { perform } from "./support/cell.mjs";
import { readCells } from "./support/cells.mjs";
import { startWorld } from "./support/world.mjs";

/** Cells and their modes that are quick and differ in kind. */
const QUICK = { page: ["build"] };

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
