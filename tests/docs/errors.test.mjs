// docs/errors.md: each code that an error may have, in the error's own words; and none that there is not.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { errorOf } from "../../pkg/js/error.js";
import { ROOT, pageAt } from "./support/pages.mjs";

/** What the types say of each code. */
const CODES = new Map([...(await readFile(`${ROOT}pkg/types/codes.d.ts`, "utf8")).matchAll(/^ {2}\/\*\* (.*) \*\/\n {2}(\w+): true;$/gm)].map(([, text, code]) => [code, text]));

/** The page's sections by the code in their heading: what stands in each, block by block. */
async function sections() {
  const found = new Map();
  let section;
  for (const token of (await pageAt("docs/errors.md")).tokens) {
    if (token.type === "heading") section = token.depth === 3 ? [] : undefined;
    if (token.type === "heading" && section) found.set(token.text.replaceAll("`", ""), section);
    else if (token.type !== "space") section?.push(token);
  }
  return found;
}

test("each code has a section, and each section a code", async () => {
  assert.ok(CODES.size > 50, `${CODES.size} codes`);
  assert.deepEqual([...(await sections()).keys()].toSorted(), [...CODES.keys()].toSorted());
});

test("a section begins with what the error says, goes on with what happened, and ends with what to look at", async () => {
  for (const [code, [says, happened, ...rest]] of await sections()) {
    assert.equal(says?.raw.trim(), CODES.get(code), code);
    assert.equal(happened?.type, "paragraph", `${code}: what happened`);
    assert.equal(rest.at(-1)?.type, "list", `${code}: what to look at`);
  }
});

test("the console says what the page shows", async () => {
  // Refused, over the first transport; no close code, status or time to wait.
  const numbers = [1, 0, -1, -1, -1];
  const { message, remediation } = /** @type {any} */ (errorOf(() => numbers.shift(), false));
  const { text } = await pageAt("docs/errors.md");
  assert.ok(text.includes(`\`throughline: ${message}; ${remediation}\``), `throughline: ${message}; ${remediation}`);
});

test("what an option, method or member is called in the page is so in the types", async () => {
  const { text } = await pageAt("docs/errors.md");
  const files = ["index", "voice", "openai", "schemas", "wasm"];
  const types = (await Promise.all(files.map((name) => readFile(`${ROOT}pkg/types/${name}.d.ts`, "utf8")))).join("\n");
  const named = [...text.matchAll(/`(?:session|error|timing|outbox|audio|webrtc|dialect)\.(\w+)/g)].map(([, name]) => name);
  assert.ok(named.length > 20);
  assert.deepEqual([...new Set(named)].filter((name) => !new RegExp(`\\b${name}\\b`).test(types)), []);
});
