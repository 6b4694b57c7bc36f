// Throwaway apps: a cell's files, what its package.json asks for, and the package as it is published.

import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { run } from "./programs.mjs";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** Outside of this repository, whose modules and lock file tools would find. */
const APPS = join(tmpdir(), `throughline-packaging-${digest(ROOT)}`);
/** What is kept of an app: what is installed, and which versions that are. */
const KEPT = ["node_modules", "package-lock.json"];
/** Names what is installed: the same again needs no installing. */
const STAMP = ".throughline-installed";

/** Packs the package and resolves with the tarball, whose name changes with its content. */
export async function pack() {
  await mkdir(APPS, { recursive: true });
  const { stdout } = await run(ROOT, ["npm", "pack", "--json", "--pack-destination", APPS, join(ROOT, "pkg")]);
  const packed = join(APPS, JSON.parse(stdout)[0].filename);
  const mark = digest(await readFile(packed));
  const tarball = join(APPS, `throughline-${mark}.tgz`);
  for (const name of await readdir(APPS)) if (/^throughline-[0-9a-f]{16}\.tgz$/.test(name)) await rm(join(APPS, name));
  await rename(packed, tarball);
  return tarball;
}

/** Makes a cell's app anew, keeping what is installed if it is what is asked for, and resolves with its folder. */
export async function install({ name, folder }, tarball) {
  const app = join(APPS, name);
  await mkdir(app, { recursive: true });
  for (const name of await readdir(app)) if (!KEPT.includes(name)) await rm(join(app, name), { recursive: true });
  await cp(folder, app, { recursive: true });

  const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  manifest.dependencies = { ...manifest.dependencies, throughline: `file:${tarball}` };
  const text = JSON.stringify(manifest, undefined, 2);
  await writeFile(join(app, "package.json"), text);
  const stamp = join(app, "node_modules", STAMP);
  if ((await readFile(stamp, "utf8").catch(() => undefined)) !== digest(text)) {
    await run(app, ["npm", "install", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"]);
    await writeFile(stamp, digest(text));
  }
  return app;
}

function digest(content) {
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}
