// Where the pages are, and what they are called: a document's page is at its own path, by its heading.

import { readFileSync } from "node:fs";
import { relative } from "node:path";

import { Converter, KindRouter, ReflectionKind } from "typedoc";

/** In which part of the site a document stands, by the beginning of its path. */
const PARTS = [
  ["docs/migrate/", "Migrating"],
  ["docs/recipes/", "Recipes"],
  ["docs/decisions/", "Decisions"],
  ["PROTOCOL", "Reference"],
  ["CHANGELOG", "Reference"],
  ["CONTRIBUTING", "Inside"],
  ["benches/", "Inside"],
  ["www/", "Inside"],
  ["docs/inside", "Inside"],
  ["docs/mutations", "Inside"],
  ["docs/releasing", "Inside"],
  ["docs/storms", "Inside"],
  ["docs/systems", "Inside"],
  ["docs/", "Guides"],
];

/** Paths of documents, as the pages' addresses have them. */
const paths = new WeakMap();

/** Names documents by their headings and remembers where they are. */
export function carryPaths(app, root) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, document) => {
    const file = document.project.files.getReflectionPath(document);
    const path = relative(root, file);
    const heading = readFileSync(file, "utf8").match(/^# (.*)$/m)?.[1];
    if (heading) document.name = heading.replaceAll("`", "");
    paths.set(document, path.replace(/\.md$/, "").replace(/README$/, "index"));
    document.frontmatter.group = PARTS.find(([start]) => path.startsWith(start))?.[1];
  });
}

/** Calls modules what an app imports. */
export function nameModules(app, root, imported) {
  const names = new Map([...imported].map(([path, name]) => [relative(root, path).replace(/\.d\.ts$/, ""), name]));
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) module.name = names.get(module.name) ?? module.name;
  });
}

export class Paths extends KindRouter {
  getIdealBaseName(reflection) {
    return paths.get(reflection) ?? super.getIdealBaseName(reflection);
  }
}
