// What is written in Markdown: its pages, their headings, links and code.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import GithubSlugger from "github-slugger";
import { lexer, walkTokens } from "marked";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** The repository's files, by their paths. */
export async function tracked() {
  const { stdout } = await promisify(execFile)("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT, maxBuffer: 1 << 26 });
  return stdout.trimEnd().split("\n");
}

/** A page: its text, and what it is made of. */
export async function pageAt(path) {
  const text = await readFile(ROOT + path, "utf8");
  return { path, text, tokens: lexer(text) };
}

/** Addresses of links and pictures, each once. */
export function links({ tokens }) {
  const found = new Set();
  walkTokens(tokens, ({ type, href }) => void ((type === "link" || type === "image") && found.add(href)));
  return [...found];
}

/** What `#anchor`s a page has: those that GitHub makes of its headings, and ids. */
export function anchors({ tokens, text }) {
  const slugger = new GithubSlugger();
  const made = tokens.filter(({ type }) => type === "heading").map((heading) => slugger.slug(plain(heading.tokens)));
  return new Set([...made, ...[...text.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, id]) => id)]);
}

const plain = (tokens) => tokens.map((token) => (token.tokens ? plain(token.tokens) : unescaped(token.text))).join("");
const unescaped = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");

/** A page's blocks of code, in order: language, the title that names a file, and the code. */
export function blocks({ tokens, text }) {
  const found = [];
  let from = 0;
  for (const token of tokens) {
    if (token.type === "code" && token.lang) {
      from = text.indexOf(token.raw, from);
      const [language, ...words] = token.lang.split(/\s+/);
      const title = words.map((word) => word.match(/^title=(.*)$/)?.[1]).find(Boolean);
      found.push({ language, title, words, code: `${token.text}\n`, line: text.slice(0, from).split("\n").length });
    }
  }
  return found;
}
