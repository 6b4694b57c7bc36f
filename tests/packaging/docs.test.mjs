// docs/bundlers.md shows what the cells are, each of them.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { readCells } from "./support/cells.mjs";

const cells = await readCells();
const text = await readFile(new URL("../../docs/bundlers.md", import.meta.url), "utf8");
const trimmed = (code) => code.trim().replace(/^ +/gm, "");

test("each row of its tables is a cell in the version that it has, and each cell has one", () => {
  const rows = [...text.matchAll(/^\| ([^\s|-].*?) \|/gm)].map(([, title]) => title);
  assert.deepEqual(rows, cells.toSorted((a, b) => Number(Boolean(a.runs)) - Number(Boolean(b.runs))).map(({ title, version }) => [title, version].filter(Boolean).join(" ")));
});

test("each example is an app's own code", async () => {
  const blocks = [...text.matchAll(/^```\w+ title=(\S+)\n(.*?)^```$/gms)];
  assert.ok(blocks.length >= 10);
  assert.equal(blocks.length, text.match(/^```\w/gm).length, "each says whose it is");
  for (const [, path, code] of blocks) {
    const whole = await readFile(new URL(`cells/${path}`, import.meta.url), "utf8");
    assert.ok(trimmed(whole).includes(trimmed(code)), `${path} has no\n${code}`);
  }
});
