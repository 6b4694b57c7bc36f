// What is built beside the code: source maps that lead to the sources and to nothing else, and digests of each file that a page loads.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { SourceMap } from "node:module";
import { test } from "node:test";

const ROOT = new URL("../../", import.meta.url);
const DIST = new URL("pkg/dist/", ROOT);
const read = (path, base = DIST) => readFile(new URL(path, base), "utf8");
const names = await readdir(DIST);
const scripts = names.filter((name) => name.endsWith(".js"));

/** Where in the repository a source of the maps is. */
const placeOf = (source) => source.replace(/^throughline\//, source.startsWith("throughline/src/") ? "" : "pkg/");

for (const name of scripts) {
  test(`${name}: its map names sources of the package, and says what they say`, async () => {
    const text = await read(name);
    assert.deepEqual(text.match(/^\/\/# .*$/gm), [`//# sourceMappingURL=${name}.map`]);
    const { version, file, sources, sourcesContent, mappings, ...rest } = JSON.parse(await read(`${name}.map`));
    assert.deepEqual([version, file, Object.keys(rest)], [3, name, ["names"]]);
    for (const source of sources) assert.match(source, /^throughline\/(js|wasm|src\/transport)\/[\w/-]+\.js$/);
    const written = sources.filter((source) => !source.startsWith("throughline/wasm/"));
    assert.ok(written.length && mappings);
    for (const source of written) assert.equal(sourcesContent[sources.indexOf(source)], await read(placeOf(source), ROOT), source);
  });
}

for (const name of ["throughline.js", "wasm.js", "no-wasm.js", "voice.js", "voice-wasm.js"]) {
  test(`${name}: where an error was thrown, and who called, is found in the sources`, async () => {
    const { connect } = await import(new URL(name, DIST).href);
    const map = new SourceMap(JSON.parse(await read(`${name}.map`)));
    /** @type {any} */
    let error;
    try {
      connect({ transports: ["none"], wasm: new Uint8Array(8) });
    } catch (thrown) {
      error = thrown;
    }
    assert.equal(error.code, "bad_option");
    const frames = [...error.stack.matchAll(/\/pkg\/dist\/[\w-]+\.js:(\d+):(\d+)/g)].map(([, line, column]) => map.findEntry(line - 1, column - 1));
    const lines = await Promise.all(frames.map(async ({ originalSource, originalLine }) => (await read(placeOf(originalSource), ROOT)).split("\n")[originalLine]));
    assert.match(frames[0].originalSource, /\/js\/host\.js$/);
    assert.match(lines[0], /throw new SessionError\("bad_option"/);
    // The last of all: behind the core, where the text has one.
    assert.match(lines.at(-1), /new (Voice)?Host\(/);
  });
}

test("each file that a page loads has its digest", async () => {
  const expected = {};
  for (const name of names.filter((name) => /\.(js|wasm)$/.test(name))) {
    expected[name] = `sha384-${createHash("sha384").update(await readFile(new URL(name, DIST))).digest("base64")}`;
  }
  assert.deepEqual(JSON.parse(await read("integrity.json")), expected);
});
