// Makes the tables of docs/bundlers.md of what a measurement printed: `cargo xtask measure packaging | node tests/packaging/table.mjs`.

import { createInterface } from "node:readline";

import { readCells } from "./support/cells.mjs";

const lines = [];
for await (const text of createInterface(process.stdin)) lines.push(JSON.parse(text));

const of = (cell, mode) => lines.filter(({ name }) => name === `packaging.${cell.name}.${mode}` || name.startsWith(`packaging.${cell.name}.${mode}.`));
const verdict = (lines) => (lines.length ? (lines.every(({ ok }) => ok) ? "yes" : "**no**") : "");
const complaints = (lines) => lines.reduce((sum, { console = 0 }) => sum + console, 0);
const requests = (lines) => ["text", "voice", "wasm", "voice-wasm"].map((entry) => lines.find((line) => line.entry === entry)?.requests ?? "·").join(" / ");
const row = (...columns) => console.log(`| ${columns.join(" | ")} |`);
const table = (head, rows) => {
  row(...head);
  row(...head.map(() => "---"));
  for (const columns of rows) row(...columns);
};

const cells = (await readCells()).filter((cell) => lines.some(({ name }) => name.startsWith(`packaging.${cell.name}.`)));
const titled = ({ title, version }) => [title, version].filter(Boolean).join(" ");

table(["", "dev", "requests", "build", "requests", "errors and warnings"], cells.filter(({ runs }) => !runs).map((cell) => {
  const [dev, build] = [of(cell, "dev"), of(cell, "build")];
  const requested = (lines) => (lines.length ? requests(lines) : "");
  return [titled(cell), verdict(dev), requested(dev), verdict(build), requested(build), complaints([...dev, ...build])];
}));
console.log();
table(["", "what", "runs and ends", "requests", "errors and warnings"], cells.filter(({ runs }) => runs).flatMap((cell) =>
  cell.modes.map((mode, i) => [i ? "" : titled(cell), mode, verdict(of(cell, mode)), of(cell, mode)[0].requests, complaints(of(cell, mode))])));
