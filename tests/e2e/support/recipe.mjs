// The code that a recipe shows, to be run as it stands.

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
