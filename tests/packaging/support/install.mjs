// Throwaway apps: a cell's files, what its package.json asks for, and the package as it is published.

import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { run } from "./programs.mjs";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** Outside of this repository, whose modules and lock file tools would find. */
const APPS = join(tmpdir(), `throughline-packaging-${digest(ROOT)}`);
const CACHES = ["node_modules/.cache", "node_modules/.vite"];
/** Where npm says what it installed, and where we say what that was asked for. */
const LOCKS = ["package-lock.json", "node_modules/.package-lock.json"];
const STAMP = "node_modules/.throughline";

/** Packs the package and resolves with the tarball. */
export async function pack() {
  await mkdir(APPS, { recursive: true });
  const { stdout } = await run(ROOT, ["npm", "pack", "--json", "--pack-destination", APPS, join(ROOT, "pkg")]);
  return join(APPS, JSON.parse(stdout)[0].filename);
}

/** Makes a cell's app anew and resolves with its folder. What is installed stays if it is what is asked for; the package itself is always that of the tarball. */
export async function install({ app: name, folders }, tarball) {
  const app = join(APPS, name);
  await mkdir(app, { recursive: true });
  for (const name of await readdir(app)) if (name !== "node_modules" && !LOCKS.includes(name)) await rm(join(app, name), { recursive: true });
  for (const folder of folders) await cp(folder, app, { recursive: true, filter: (path) => path !== join(folder, "cell.mjs") });

  const manifest = JSON.parse(await readFile(join(app, "package.json"), "utf8"));
  manifest.dependencies = { ...manifest.dependencies, throughline: `file:${tarball}` };
  const text = JSON.stringify(manifest, undefined, 2);
  await writeFile(join(app, "package.json"), text);
  const stamp = join(app, STAMP);
  const modules = join(app, "node_modules/throughline");
  if ((await readFile(stamp, "utf8").catch(() => undefined)) !== digest(text)) {
    // They would know another tarball by the same name.
    for (const lock of LOCKS) await rm(join(app, lock), { force: true });
    await run(app, ["npm", "install", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"]);
    await writeFile(stamp, digest(text));
  }
  // Tools keep what they made of packages, and tell those by the lock.
  for (const cache of CACHES) await rm(join(app, cache), { recursive: true, force: true });
  // It depends on nothing, so that this is all there is to install.
  await rm(modules, { recursive: true, force: true });
  await mkdir(modules);
  await run(app, ["tar", "-xzf", tarball, "--strip-components=1", "-C", modules]);
  return app;
}

function digest(content) {
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}
