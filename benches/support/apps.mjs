// The least use of each library, made ready for a page as an application's build would: what pages load, and what they weigh.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const json = async (path) => JSON.parse(await readFile(file(path), "utf8"));

const { name: us, exports } = await json("../../pkg/package.json");

/** Our entries, as applications name them, and their files. */
const entries = new Map(Object.entries(exports).map(([path, entry]) => [path.replace(".", us), file(`../../pkg/${entry.default ?? entry}`)]));

/** The exact versions of the packages that we are compared with. */
export const { dependencies: versions } = await json("../package.json");

const ours = {
  name: "ours",
  setup: ({ onResolve }) => onResolve({ filter: new RegExp(`^${us}(/|$)`) }, ({ path }) => ({ path: entries.get(path) })),
};

/** Bundles `benches/apps/NAME.js` with esbuild, minified; `more` are further options of esbuild's. Resolves with its text. */
export async function bundled(name, more = {}) {
  const entryPoints = [file(`../apps/${name}.js`)];
  const { outputFiles } = await build({ entryPoints, bundle: true, minify: true, format: "esm", write: false, logLevel: "error", plugins: [ours], ...more });
  return outputFiles[0].text;
}
