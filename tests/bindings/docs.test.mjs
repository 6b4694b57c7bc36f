// The examples in the documentation are the ones that the tests run.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

const EXAMPLES = new URL("examples/", import.meta.url);
const CELLS = new URL("../packaging/cells/", import.meta.url);
/** Pages of apps of frameworks that render on a server. */
const PAGES = ["next/app/room/page.tsx", "sveltekit/src/routes/room/+page.svelte", "nuxt/app/pages/room.vue"];
/** Their components: the examples, where each framework wants them. */
const COMPONENTS = {
  "Room.tsx": "next/app/Room.tsx", "Talk.tsx": "next/app/call/Talk.tsx",
  "Room.svelte": "sveltekit/src/routes/Room.svelte", "Talk.svelte": "sveltekit/src/routes/call/Talk.svelte",
  "Room.vue": "nuxt/app/components/Room.vue", "Talk.vue": "nuxt/app/components/Talk.vue",
};

test("docs/frameworks.md shows each example, and each app's page, as it is", async () => {
  const text = await readFile(new URL("../../docs/frameworks.md", import.meta.url), "utf8");
  const shown = [...text.matchAll(/^```\w+ title=\S+\n(.*?)^```$/gms)].map(([, code]) => code);
  const files = [...(await readdir(EXAMPLES)).map((name) => new URL(name, EXAMPLES)), ...PAGES.map((path) => new URL(path, CELLS))];
  const examples = await Promise.all(files.map((file) => readFile(file, "utf8")));
  assert.deepEqual(shown.toSorted(), examples.toSorted());
});

for (const [name, path] of Object.entries(COMPONENTS)) {
  test(`${path} is the example, but for what its framework asks for`, async () => {
    const [example, component] = await Promise.all([new URL(name, EXAMPLES), new URL(path, CELLS)].map((file) => readFile(file, "utf8")));
    assert.equal(component.replace(/^"use client";\n\n/, "").replace(/"~\/(\w+)"/, '"./$1"'), example);
  });
}
