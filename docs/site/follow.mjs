// Follows the links of the pages that were made.

import { readFile, readdir } from "node:fs/promises";
import { join, posix } from "node:path";

/** Links of the pages in a folder that lead to no file of it, or to nothing in a page. */
export async function broken(folder) {
  const files = new Set((await readdir(folder, { recursive: true })).map((path) => path.replaceAll("\\", "/")));
  const pages = new Map(await Promise.all([...files].filter((path) => path.endsWith(".html")).map(async (path) => [path, await readFile(join(folder, path), "utf8")])));
  const ids = new Map([...pages].map(([path, html]) => [path, new Set([...html.matchAll(/\s(?:id|name)="([^"]+)"/g)].map(([, id]) => id))]));
  return [...pages].flatMap(([path, html]) => {
    const hrefs = new Set([...html.matchAll(/<a\s[^>]*href="([^"]*)"/g)].map(([, href]) => href.replaceAll("&amp;", "&")));
    return [...hrefs].filter((href) => !/^[a-z]+:/.test(href) && !leads(path, href)).map((href) => `${path}: ${href}`);
  });

  function leads(from, href) {
    const [path, anchor] = decodeURI(href).split("#");
    const to = path ? posix.join(posix.dirname(from), path.endsWith("/") ? `${path}index.html` : path) : from;
    return files.has(to) && (!anchor || !ids.has(to) || ids.get(to).has(decodeURIComponent(anchor)));
  }
}
