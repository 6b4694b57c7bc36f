// The examples in the documentation are the ones that the tests run.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

test("docs/frameworks.md shows each example as it is", async () => {
  const folder = new URL("examples/", import.meta.url);
  const text = await readFile(new URL("../../docs/frameworks.md", import.meta.url), "utf8");
  const shown = [...text.matchAll(/^```\w+ title=\S+\n(.*?)^```$/gms)].map(([, code]) => code);
  const examples = await Promise.all((await readdir(folder)).map((name) => readFile(new URL(name, folder), "utf8")));
  assert.deepEqual(shown.toSorted(), examples.toSorted());
});
