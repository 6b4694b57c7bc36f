// docs/types.md lists the mistakes that the tests of types hold. `UPDATE=1` writes its tables again.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";

const at = (path) => new URL(`../../${path}`, import.meta.url);
const PAGE = "docs/types.md";
const PART = "\n## The mistakes\n\n";

/** Where mistakes are, and what they are made with. */
const FILES = {
  "tests/package/app/text.ts": "`throughline`",
  "tests/package/app/schema.ts": "`throughline/schemas`",
  "tests/package/app/voice.ts": "`throughline/voice`",
  "tests/types/voice.ts": "`throughline/voice`",
  "tests/types/openai.ts": "Dialect `openai`",
  "tests/types/bindings.ts": "Bindings",
};

/** A file's mistakes, by the heading that they stand under. */
async function mistakesIn(path) {
  const lines = (await readFile(at(path), "utf8")).split("\n");
  let heading = FILES[path];
  return lines.flatMap((line, number) => {
    const section = line.match(/^\/\/ ---- (.*)/)?.[1];
    if (section) heading = `${FILES[path]}: ${section[0].toLowerCase()}${section.slice(1)}`;
    const why = line.match(/@ts-expect-error (.*)/)?.[1];
    return why ? [{ heading, why, code: lines[number + 1].trim() }] : [];
  });
}

async function tables() {
  const mistakes = (await Promise.all(Object.keys(FILES).map(mistakesIn))).flat();
  const headings = new Set(mistakes.map(({ heading }) => heading));
  return [...headings].map((heading) => {
    const rows = mistakes.filter((mistake) => mistake.heading === heading).map(({ why, code }) => `| \`${code.replaceAll("|", "\\|")}\` | ${why} |`);
    return `### ${heading}\n\n| the compiler refuses | because |\n|---|---|\n${rows.join("\n")}\n`;
  }).join("\n");
}

test("docs/types.md lists each mistake that the tests of types hold, and no other", async () => {
  const page = await readFile(at(PAGE), "utf8");
  const from = page.indexOf(PART);
  assert.notEqual(from, -1, `${PAGE} has no part "The mistakes"`);
  const head = page.slice(0, from + PART.length);
  const expected = await tables();
  if (process.env.UPDATE) return writeFile(at(PAGE), head + expected);
  assert.equal(page, head + expected);
});
