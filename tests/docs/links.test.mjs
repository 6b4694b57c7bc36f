// Where links in Markdown lead: to files of this repository and headings in them.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import { test } from "node:test";

import { ROOT, anchors, links, pageAt, tracked } from "./support/pages.mjs";

const files = new Set(await tracked());
const pages = new Map(await Promise.all([...files].filter((path) => path.endsWith(".md")).map(async (path) => /** @type {const} */ ([path, await pageAt(path)]))));

const isElsewhere = (href) => /^(https?|mailto):/.test(href);

/** Why a link leads nowhere, if it does. */
function broken(page, href) {
  const [path, anchor] = href.split("#");
  const to = path ? posix.join(posix.dirname(page.path), decodeURI(path)) : page.path;
  if (!files.has(to)) return [...files].some((file) => file.startsWith(`${to.replace(/\/$/, "")}/`)) ? "is a folder: name a file in it" : "is no file";
  if (anchor === undefined) return undefined;
  const target = pages.get(to);
  return target && anchors(target).has(decodeURIComponent(anchor)) ? undefined : `has no heading #${anchor}`;
}

test("each link leads to a file and a heading that there are", () => {
  const wrong = [...pages.values()].flatMap((page) =>
    links(page).filter((href) => !isElsewhere(href)).flatMap((href) => {
      const why = broken(page, href);
      return why ? [`${page.path}: ${href} ${why}`] : [];
    }));
  assert.deepEqual(wrong, []);
});

test("links to elsewhere are addresses, by https", () => {
  const wrong = [...pages.values()].flatMap((page) => links(page).filter((href) => isElsewhere(href) && !(URL.canParse(href) && /^(https|mailto):/.test(href))).map((href) => `${page.path}: ${href}`));
  assert.deepEqual(wrong, []);
});

test("lock files say what is installed, not where from", async () => {
  const locks = [...files].filter((path) => path.endsWith("package-lock.json"));
  const texts = await Promise.all(locks.map((path) => readFile(ROOT + path, "utf8")));
  assert.deepEqual(locks.filter((_, at) => /"resolved"/.test(texts[at])), []);
});

test("a page has one heading of the first level, above all others", () => {
  const levels = (page) => page.tokens.flatMap((token) => (token.type === "heading" ? [token.depth] : []));
  const wrong = [...pages.values()].filter((page) => levels(page)[0] !== 1 || levels(page).lastIndexOf(1) > 0).map(({ path }) => path);
  assert.deepEqual(wrong, []);
});

test("documents that types and code send a reader to are there", async () => {
  const code = [...files].filter((path) => /^(pkg|src|crates|www|xtask)\/.*\.(ts|js|rs)$/.test(path));
  const sent = await Promise.all(code.map(async (path) => [...(await readFile(ROOT + path, "utf8")).matchAll(/\/\/.*?\b(docs\/[\w/.-]+\.md)|\* .*?\b(docs\/[\w/.-]+\.md)/g)].map(([, one, other]) => ({ path, to: one ?? other }))));
  assert.ok(sent.flat().length > 5);
  assert.deepEqual(sent.flat().filter(({ to }) => !files.has(to)), []);
});

test("what leads nowhere is found", async () => {
  const page = /** @type {any} */ ({ path: "docs/page.md", text: "", tokens: [] });
  assert.equal(broken(page, "json.md"), undefined);
  assert.equal(broken(page, "json.md#what-happens-when"), undefined);
  assert.equal(broken(page, "../PROTOCOL.md"), undefined);
  assert.match(broken(page, "no.md") ?? "", /no file/);
  assert.match(broken(page, "recipes/") ?? "", /folder/);
  assert.match(broken(page, "json.md#nothing") ?? "", /no heading/);
});
