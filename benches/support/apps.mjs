// The least use of each library, made ready for a page as an application's build would: what pages load, and what they weigh.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const file = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Ours, by the names that the package gives its entries. */
const ours = {
  name: "ours",
  async setup({ onResolve }) {
    const { name, exports } = JSON.parse(await readFile(file("../../pkg/package.json"), "utf8"));
    onResolve({ filter: new RegExp(`^${name}(/|$)`) }, ({ path }) => {
      const entry = exports[path.replace(name, ".")];
      return entry && { path: file(`../../pkg/${entry.default}`) };
    });
  },
};

/** Bundles `benches/apps/NAME.js` with esbuild, minified; `more` are further options of esbuild's. Resolves with its text. */
export async function bundled(name, more = {}) {
  const { outputFiles } = await build({
    entryPoints: [file(`../apps/${name}.js`)],
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    logLevel: "error",
    plugins: [ours],
    ...more,
  });
  return outputFiles[0].text;
}

/** The exact versions of the packages that we are compared with. */
export const { dependencies: versions } = JSON.parse(await readFile(file("../package.json"), "utf8"));
