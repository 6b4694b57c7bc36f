// The packed tarball in apps of each bundler, framework and runtime: whether they build and run, and what a page asks for. One JSON object a line.
//
// `node benches/packaging.mjs [NAME…]`, started by `cargo xtask measure packaging`. What a cell is: tests/packaging/README.md.

import { perform } from "../tests/packaging/support/cell.mjs";
import { readCells } from "../tests/packaging/support/cells.mjs";
import { startWorld } from "../tests/packaging/support/world.mjs";

const cells = await readCells(process.argv.slice(2));
const world = await startWorld();
try {
  for (const cell of cells) for (const line of await measure(cell)) console.log(JSON.stringify(line));
} finally {
  await world.stop();
}

async function measure(cell) {
  const lines = [];
  for (const mode of cell.modes) {
    const name = `packaging.${cell.name}.${mode}`;
    process.stderr.write(`${name}\n`);
    lines.push(...(await perform(cell, mode, world).catch((error) => [{ name, value: null, ok: false, wrong: [error.message] }])));
  }
  return lines;
}
