// The cells: apps that use the package, found by listing their folder.

import { readFile, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const FOLDER = new URL("../cells/", import.meta.url);

/** Reads the cells that are named, or all of them. Each knows its `name`, its `app` and the `folders` that make it, the `version` of what builds it, and what it runs: its `modes`. */
export async function readCells(names = []) {
  const entries = await readdir(FOLDER, { withFileTypes: true });
  const known = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name).sort();
  const strange = names.filter((name) => !known.includes(name));
  if (strange.length) throw new Error(`no such cell: ${strange.join(", ")}; there are ${known.join(", ")}`);
  return Promise.all(known.filter((name) => !names.length || names.includes(name)).map(readCell));
}

async function readCell(name) {
  const { default: cell } = await import(new URL(`${name}/cell.mjs`, FOLDER));
  const modes = cell.runs ? Object.keys(cell.runs) : ["dev", "build"].filter((mode) => cell[mode]);
  if (!modes.length) throw new Error(`${name} runs nothing`);
  const app = cell.app ?? name;
  // What a cell has beside its `cell.mjs` is laid over the app that it shares.
  const folders = [...new Set([app, name])].map((name) => fileURLToPath(new URL(`${name}/`, FOLDER)));
  const { dependencies, devDependencies } = JSON.parse(await readFile(new URL(`${app}/package.json`, FOLDER), "utf8"));
  const version = { ...dependencies, ...devDependencies }[cell.tool ?? app];
  return { ...cell, name, app, folders, version, modes };
}
