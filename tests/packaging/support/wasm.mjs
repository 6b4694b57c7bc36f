// Finds the package's WebAssembly in what bundlers made of it, however they spell its text.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import { transform } from "esbuild";

/** What carries the WebAssembly by what a page imports: a file with a text in it, or the bytes themselves. */
const INLINED = { text: "throughline.js", voice: "voice.js" };
const FILES = { wasm: "throughline.wasm", "voice-wasm": "voice.wasm" };
const CODE = [".js", ".mjs", ".cjs"];
/** What no minifier renames: errors by their names. */
const TRACE = /SessionError|wasm_blocked/;

/** Learns from an installed package what to look for. */
export async function learn(app) {
  const dist = join(app, "node_modules/throughline/dist");
  const texts = {};
  for (const [entry, name] of Object.entries(INLINED)) {
    const literals = (await spell(await readFile(join(dist, name), "utf8"))).match(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`/gs);
    // Without its quotes: which of them are best does not depend on the text alone.
    texts[entry] = literals.reduce((longest, literal) => (literal.length > longest.length ? literal : longest)).slice(1, -1);
  }
  const files = {};
  for (const [entry, name] of Object.entries(FILES)) if (existsSync(join(dist, name))) files[entry] = digest(await readFile(join(dist, name)));
  return { texts, files };
}

/** Counts how often each entry's WebAssembly is in files of code and in others: `bodies` are contents by path. */
export async function count({ texts, files }, bodies) {
  const found = Object.fromEntries([...Object.keys(texts), ...Object.keys(files)].map((entry) => [entry, 0]));
  for (const [path, body] of bodies) {
    if (extname(path) === ".wasm") for (const [entry, mark] of Object.entries(files)) found[entry] += digest(body) === mark;
    if (!CODE.includes(extname(path))) continue;
    const code = await spell(body.toString());
    for (const [entry, text] of Object.entries(texts)) found[entry] += code.split(text).length - 1;
  }
  return found;
}

/** Whether code has anything of the package in it. */
export const traced = (bodies) => bodies.filter(([path, body]) => CODE.includes(extname(path)) && TRACE.test(body.toString())).map(([path]) => path);

/** Reads a folder's files: their contents by path. */
export async function readFolder(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  return Promise.all(paths.filter((path) => [...CODE, ".wasm"].includes(extname(path))).map(async (path) => [path, await readFile(path)]));
}

/** Spells code one way: each string by its value. */
async function spell(code) {
  const { code: spelt } = await transform(code, { charset: "utf8", minifyWhitespace: true, minifySyntax: true, target: "es2022", loader: "js" });
  return spelt;
}

const digest = (content) => createHash("sha256").update(content).digest("hex");
