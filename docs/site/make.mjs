// Makes the documentation's pages: what is written in Markdown, and the reference drawn from the types.
//
// usage: node docs/site/make.mjs FOLDER [--check]
//
// What is amiss is said; with --check it is an error.

import { copyFile, readFile, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Application } from "typedoc";

import { broken } from "./follow.mjs";
import { Paths, carryPaths, nameModules } from "./paths.mjs";
import { silent, unnamed } from "./silent.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const HERE = fileURLToPath(new URL(".", import.meta.url));
const [folder, check] = process.argv.slice(2);
if (!folder) throw new Error("say which folder");

/** What is written besides the README, which is the first page: in the order in which the map names it. */
async function documents() {
  const docs = await readdir(join(ROOT, "docs"), { recursive: true });
  const written = docs.filter((path) => path.endsWith(".md") && !path.startsWith("site")).sort();
  const map = await readFile(join(ROOT, "docs/README.md"), "utf8");
  const place = (path) => map.indexOf(`](${path})`) + 1 || (path === "README.md" ? 0 : Infinity);
  const ordered = written.toSorted((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
  return [...ordered.map((path) => `docs/${path}`), "PROTOCOL.md", "CHANGELOG.md", "CONTRIBUTING.md", "benches/README.md", "www/servers/README.md"].map((path) => join(ROOT, path));
}

/** What an app imports, by the path of its types; of two with the same types, the first. */
async function entries() {
  const { name, exports } = JSON.parse(await readFile(join(ROOT, "pkg/package.json"), "utf8"));
  const typed = Object.entries(exports).filter(([, { types }]) => types);
  return new Map(typed.reverse().map(([entry, { types }]) => [join(ROOT, "pkg", types), join(name, entry)]));
}

const imported = await entries();
const app = await Application.bootstrapWithPlugins({
  name: "Throughline",
  entryPoints: [...imported.keys()].reverse(),
  tsconfig: join(HERE, "tsconfig.json"),
  readme: join(ROOT, "README.md"),
  projectDocuments: await documents(),
  basePath: ROOT,
  includeVersion: false,
  disableSources: true,
  hideGenerator: true,
  sort: ["source-order"],
  sortEntryPoints: false,
  groupOrder: ["Guides", "Modules", "Migrating", "Recipes", "Reference", "Inside", "Decisions", "*"],
  navigation: { includeGroups: true, includeCategories: false, includeFolders: false },
  // What holds without an option is said in words.
  jsDocCompatibility: { defaultTag: false },
  categorizeByGroup: false,
  searchInDocuments: true,
  searchInComments: true,
  highlightLanguages: ["bash", "console", "css", "html", "http", "javascript", "json", "jsonc", "jsx", "nginx", "rust", "svelte", "toml", "tsx", "typescript", "vue", "yaml"],
  ignoredHighlightLanguages: ["mermaid", "trace"],
  headings: { readme: false, document: false },
  favicon: join(HERE, "favicon.svg"),
  customCss: join(HERE, "site.css"),
  customJs: join(HERE, "site.js"),
  router: "paths",
  intentionallyNotExported: Object.entries(unnamed).flatMap(([file, names]) => names.map((name) => `types/${file}.d.ts:${name}`)),
  markdownItLoader,
  markdownItOptions: { html: true, linkify: false },
  // The compiler has looked at them.
  skipErrorChecking: true,
  validation: { notExported: true, invalidLink: true, invalidPath: true, rewrittenLink: true, notDocumented: false, unusedMergeModuleWith: true },
  logLevel: "Warn",
});

app.renderer.defineRouter("paths", Paths);
carryPaths(app, ROOT);
nameModules(app, ROOT, imported);
/** Diagrams are drawn in the page, by what is served with it. Code in headings is part of their names. */
function markdownItLoader(parser) {
  parser.core.ruler.push("named-headings", ({ tokens, Token }) => {
    const make = (type, content) => Object.assign(new Token(type, "", 0), { content });
    const headings = tokens.filter((_, at) => tokens[at - 1]?.type === "heading_open");
    for (const heading of headings) {
      heading.children = heading.children.flatMap((token) => {
        if (token.type !== "code_inline") return [token];
        return [make("html_inline", "<code>"), make("text", token.content), make("html_inline", "</code>")];
      });
    }
  });
  const { fence } = parser.renderer.rules;
  parser.renderer.rules.fence = (tokens, at, ...more) =>
    tokens[at].info.trim() === "mermaid" ? `<pre class="mermaid">${parser.utils.escapeHtml(tokens[at].content)}</pre>` : fence(tokens, at, ...more);
}

const project = await app.convert();
if (!project) process.exit(1);
app.validate(project);
for (const name of silent(project)) app.logger.warn(`${name} does not say what it is`);
await app.generateDocs(project, folder);
const drawing = createRequire(import.meta.url).resolve("@mermaid-js/tiny/dist/mermaid.tiny.js");
await copyFile(drawing, join(folder, "assets/mermaid.js"));
for (const link of await broken(folder)) app.logger.warn(`${link} leads nowhere`);
if (app.logger.hasErrors() || (check && app.logger.hasWarnings())) process.exit(1);
