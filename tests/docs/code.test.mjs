// The code that the documentation shows compiles against the package's types, as strictly as there is a way to. CONTRIBUTING.md says how it is written.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { ROOT, blocks, pageAt, tracked } from "./support/pages.mjs";

const run = promisify(execFile);
const CONCURRENCY = 2;

/** Pages whose code is an app's own, shown as it is run by a test of its own. */
const RECIPES = /^docs\/recipes\//;
const SHOWN = /^(README|docs\/.*)\.md$/;
/** Languages by what files have at their end. */
const ENDS = { ts: ".ts", tsx: ".tsx", js: ".js", jsx: ".jsx", html: ".js" };

/** What is not an app as it was before, written for another library. */
const isCompiled = ({ language, words }) => ENDS[language] && !words.includes("before");
/** By what a block is compiled as: TypeScript as strictly as there is a way to, JavaScript as an editor looks at it, programs of Node's with its types. */
const KINDS = { ts: ({ language }) => language.startsWith("ts"), node: ({ title }) => title?.endsWith(".mjs"), js: (block) => !KINDS.ts(block) && !KINDS.node(block) };

const written = (await tracked()).filter((path) => SHOWN.test(path) && !RECIPES.test(path));
const shown = await Promise.all(written.map(async (path) => ({ path, code: blocks(await pageAt(path)).filter(isCompiled) })));
const pages = shown.filter(({ code }) => code.length > 0);

let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "throughline-docs-"));
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const modules = join(folder, "node_modules");
  await mkdir(modules);
  const installed = (await readdir(join(ROOT, "node_modules"))).filter((name) => !name.startsWith("."));
  for (const name of installed) await symlink(join(ROOT, "node_modules", name), join(modules, name));
  await symlink(join(ROOT, "pkg"), join(modules, "throughline"));
});
after(() => rm(folder, { recursive: true, force: true }));

/** The scripts in a page of HTML, with as many lines before each as it has there. */
function scripts(html) {
  const found = [...html.matchAll(/<script type="module">(.*?)<\/script>/gs)];
  return found.map((match) => "\n".repeat(html.slice(0, match.index).split("\n").length - 1) + match[1]).join("\n");
}

const optionsFor = (kind) => {
  const strict = kind === "ts";
  return {
    target: "es2022", module: "esnext", moduleResolution: "bundler", lib: ["es2024", "dom", "dom.iterable", "esnext.disposable"], types: kind === "node" ? ["node"] : [], jsx: "react-jsx",
    paths: { "/throughline.js": [join(ROOT, "pkg/types/index.d.ts")] }, // as a page's server names it
    noEmit: true, allowJs: true, checkJs: true, skipLibCheck: true, isolatedModules: true, strict, exactOptionalPropertyTypes: strict, noUncheckedIndexedAccess: strict,
  };
};

/** The names of an app's own that a page's code mentions without having them, and the elements that its HTML names. */
async function declared(path, files) {
  const beside = new URL(`declared/${path.replace(/\.md$/, ".d.ts")}`, import.meta.url);
  const ids = files.flatMap(({ language, code }) => (language === "html" ? [...code.matchAll(/\bid="(\w+)"/g)] : []));
  return [existsSync(beside) ? await readFile(beside, "utf8") : "", ...ids.map(([, id]) => `declare const ${id}: any;`)].join("\n");
}

/** What the compiler says of a page's code. */
async function compiled({ path, code }) {
  const told = await Promise.all(Object.entries(KINDS).map(async ([kind, isOne]) => {
    const files = code.filter(isOne);
    if (files.length === 0) return "";
    const here = join(folder, path.replaceAll("/", "-"), kind);
    await mkdir(here, { recursive: true });
    const names = await Promise.all(files.map(async ({ language, title, code, line }) => {
      const name = title && language !== "html" ? title : `line-${line}${ENDS[language]}`;
      const source = language === "html" ? scripts(code) : code;
      await mkdir(dirname(join(here, name)), { recursive: true });
      await writeFile(join(here, name), `${source}\nexport {};\n`);
      return name;
    }));
    await writeFile(join(here, "declared.d.ts"), await declared(path, files));
    await writeFile(join(here, "tsconfig.json"), JSON.stringify({ compilerOptions: optionsFor(kind), files: ["declared.d.ts", ...names] }));
    try {
      await run("node", [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", here, "--pretty", "false"], { cwd: here });
      return "";
    } catch (/** @type {any} */ error) {
      return error.stdout || String(error);
    }
  }));
  return told.join("");
}

test("what the pages show compiles", { concurrency: CONCURRENCY }, async (t) => {
  await Promise.all(pages.map((page) => t.test(page.path, async () => assert.equal(await compiled(page), ""))));
});

test("what does not compile is found, in each kind of code", async () => {
  for (const { language, title } of [{ language: "ts" }, { language: "js" }, { language: "js", title: "server.mjs" }]) {
    const code = 'import { connect } from "throughline";\nconnect({ urll: "/realtime" });\n';
    const page = { path: `${title ?? language}.md`, code: [{ language, title, words: [], code, line: 1 }] };
    assert.match(await compiled(page), /urll/);
  }
});
