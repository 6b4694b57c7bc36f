// The code that the documentation shows, to be run as it stands.

import { readFile } from "node:fs/promises";

/**
 * The JavaScript of `docs/recipes/{name}.md` below each of these headings, as one module whose imports of the package are those of `site`. Pages import it by
 * `harness.module(code)`.
 */
export async function recipe(name, headings, site) {
  const text = await readFile(new URL(`../../../docs/recipes/${name}.md`, import.meta.url), "utf8");
  const codes = headings.map((heading) => {
    const [, section] = text.split(`\n## ${heading}\n`);
    const code = section?.split("\n## ")[0].match(/^```js\n(.*?)^```$/ms)?.[1];
    if (!code) throw new Error(`docs/recipes/${name}.md has no JavaScript below “${heading}”`);
    return code;
  });
  return codes.join("\n").replace(/from "throughline(?:\/(\w+))?"/g, (_, entry = "throughline") => `from "${site.url}/${entry}.js"`);
}

/** The files that a page shows, by their names: blocks of code whose first line is ```` ```js title=server.mjs ````. */
export async function shownFiles(page) {
  const text = await readFile(new URL(`../../../${page}`, import.meta.url), "utf8");
  return Object.fromEntries([...text.matchAll(/^```\w+ title=(\S+)\n(.*?)^```$/gms)].map(([, name, code]) => [name, code]));
}
