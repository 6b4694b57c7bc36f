// The components of Vue and Svelte that the documentation shows: their scripts and their templates fit the package's types.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { ROOT, blocks, pageAt } from "./support/pages.mjs";

const PAGE = "docs/frameworks.md";
const installed = createRequire(join(ROOT, "docs/site/package.json"));
const bin = (name, path) => join(dirname(installed.resolve(`${name}/package.json`)), path);

/** Checks a folder of components, by what they are made with. */
const CHECKS = {
  vue: (folder) => [bin("vue-tsc", "bin/vue-tsc.js"), "-p", folder, "--pretty", "false"],
  svelte: (folder) => [bin("svelte-check", "bin/svelte-check"), "--workspace", folder, "--tsconfig", join(folder, "tsconfig.json"), "--output", "machine", "--fail-on-warnings"],
};

const compilerOptions = {
  strict: true, noEmit: true, target: "es2022", module: "esnext", moduleResolution: "bundler", verbatimModuleSyntax: true, skipLibCheck: true, types: [],
  lib: ["es2022", "dom", "dom.iterable"], paths: { throughline: [join(ROOT, "pkg/types/index.d.ts")], "throughline/*": [join(ROOT, "pkg/types/*.d.ts")] },
};

/** What a checker says of components, with the modules that they import. */
async function said(kind, files) {
  const folder = await mkdtemp(join(tmpdir(), "throughline-components-"));
  try {
    await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
    for (const { title, code } of files) {
      await mkdir(dirname(join(folder, title)), { recursive: true });
      await writeFile(join(folder, title), code);
    }
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: files.map(({ title }) => title) }));
    await promisify(execFile)(process.execPath, CHECKS[kind](folder), { cwd: folder });
    return "";
  } catch (/** @type {any} */ error) {
    return error.stdout || String(error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const shown = blocks(await pageAt(PAGE));

for (const kind of Object.keys(CHECKS)) {
  const files = shown.filter(({ language }) => language === kind || language === "ts");
  test(`${PAGE}: what is shown for ${kind} fits the types`, async () => {
    assert.ok(files.some(({ language }) => language === kind));
    assert.equal(await said(kind, files), "");
  });
  test(`${PAGE}: what would not fit is found for ${kind}`, async () => {
    const wrong = files.map((file) => ({ ...file, code: file.code.replace(/send\(("|')ECHO\1, \{ text:/, "send($1ECHO$1, { txt:") }));
    assert.match(await said(kind, wrong), /txt/);
  });
}
