// The package as it is published: packed, unpacked where an app would have it, and read by compilers and linters.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { lexer, walkTokens } from "marked";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Compilers by what they are: the oldest that is supported, and the one that this repository has. */
const COMPILERS = { oldest: "typescript-oldest", current: "typescript" };
/** What a compiler may take imports for. */
const RESOLUTIONS = [
  { module: "node16", moduleResolution: "node16" },
  { module: "esnext", moduleResolution: "bundler" },
];

let folder;
let tarball;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "throughline-types-"));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder, join(ROOT, "pkg")], { cwd: folder });
  tarball = join(folder, JSON.parse(stdout)[0].filename);
  const modules = join(folder, "node_modules");
  await mkdir(modules);
  await run("tar", ["-xzf", tarball, "-C", modules]);
  await run("mv", [join(modules, "package"), join(modules, "throughline")]);
  for (const name of ["zod", "valibot", "arktype", "@ark", "arkregex"]) await symlink(join(ROOT, "node_modules", name), join(modules, name));
  await cp(join(ROOT, "tests/package/app"), folder, { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
});

after(() => rm(folder, { recursive: true, force: true }));

/** Compiles a file of an app as strictly as there is a way to; returns what the compiler says. */
async function compile(compiler, resolution, files, skipLibCheck = false) {
  const config = join(folder, `tsconfig.${compiler}.${resolution.moduleResolution}.${skipLibCheck}.json`);
  const compilerOptions = {
    ...resolution, target: "es2022", lib: ["es2022", "dom", "dom.iterable"], types: [], noEmit: true, strict: true, skipLibCheck,
    exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noPropertyAccessFromIndexSignature: true, isolatedModules: true,
  };
  await writeFile(config, JSON.stringify({ compilerOptions, files }));
  try {
    await run("node", [join(ROOT, "node_modules", compiler, "bin/tsc"), "-p", config], { cwd: folder });
    return "";
  } catch (/** @type {any} */ error) {
    return error.stdout || String(error);
  }
}

for (const [age, compiler] of Object.entries(COMPILERS)) {
  for (const resolution of RESOLUTIONS) {
    test(`an app compiles, and its mistakes are found: ${age} compiler, ${resolution.moduleResolution}`, async () => {
      assert.equal(await compile(compiler, resolution, ["text.ts", "voice.ts", "wasm.ts", "schema.ts"]), "");
    });
  }
}

test("zod, valibot and arktype say what payloads are", async () => {
  // What these declare wants types of Node's and a recent compiler.
  assert.equal(await compile(COMPILERS.current, RESOLUTIONS[0], ["validators.ts", "documented.ts"], true), "");
});

test("docs/schemas.md shows what is compiled", async () => {
  const [, shown] = (await readFile(join(ROOT, "docs/schemas.md"), "utf8")).match(/^```ts\n(.*?)^```$/ms);
  assert.equal(shown, await readFile(join(ROOT, "tests/package/app/documented.ts"), "utf8"));
});

test("every resolution that reads `exports` finds types and code", async () => {
  const { problems } = await checkPackage(createPackageFromTarballData(new Uint8Array(await readFile(tarball))));
  // `node10` knows no `exports`; a CommonJS module loads this one by `import()`.
  const counts = problems.filter(({ kind, resolutionKind }) => resolutionKind !== "node10" && kind !== "CJSResolvesToESM");
  assert.deepEqual(counts, []);
});

test("publint has nothing to say", async () => {
  const pkgDir = join(folder, "node_modules/throughline");
  const { messages } = await publint({ pkgDir, strict: true, pack: false });
  const manifest = JSON.parse(await readFile(join(pkgDir, "package.json"), "utf8"));
  assert.deepEqual(messages.map((message) => formatMessage(message, manifest)), []);
});

test("what is published is what `files` and `exports` name, and what those load", async () => {
  const published = await readdir(join(folder, "node_modules/throughline"), { recursive: true });
  const { exports, files } = JSON.parse(await readFile(join(ROOT, "pkg/package.json"), "utf8"));
  for (const path of files) assert.ok(published.includes(path), path);
  for (const target of Object.values(exports).flatMap((entry) => (typeof entry === "string" ? entry : Object.values(entry)))) {
    assert.ok(published.includes(target.slice(2)), target);
  }
  assert.deepEqual(published.filter((path) => path.startsWith("js") || path.startsWith("wasm")), []);
});

test("its README and protocol lead to what is published, or to addresses", async () => {
  const published = await readdir(join(folder, "node_modules/throughline"), { recursive: true });
  for (const paper of ["README.md", "PROTOCOL.md"]) {
    const links = [];
    const text = await readFile(join(folder, "node_modules/throughline", paper), "utf8");
    walkTokens(lexer(text), ({ type, href }) => void ((type === "link" || type === "image") && links.push(href)));
    assert.deepEqual(links.filter((href) => !/^(#|https:)/.test(href) && !published.includes(href.split("#")[0])), [], paper);
  }
});
