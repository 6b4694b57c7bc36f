// Apps of the three frameworks, bundled as an app's own tools would: for a page, and for Node to render.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { compile } from "svelte/compiler";
import { compile as compile4 } from "svelte4/compiler";
import { compileScript, parse } from "vue/compiler-sfc";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const dist = (name) => here(`../../../pkg/dist/${name}.js`);
const require = createRequire(import.meta.url);

const DEFINES = {
  "process.env.NODE_ENV": '"development"', __VUE_OPTIONS_API__: "true", __VUE_PROD_DEVTOOLS__: "false", __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "true",
};

/** Bundles an app for a page: the text of a module. */
export async function forPage(app, { svelte4 = false } = {}) {
  const { outputFiles } = await bundle(app, false, { format: "esm", platform: "browser", write: false, conditions: ["svelte", "browser", "development"] }, svelte4);
  return outputFiles[0].text;
}

/** Bundles an app for Node and loads it. */
export async function forNode(app) {
  const folder = await mkdtemp(join(tmpdir(), "throughline-bindings-"));
  try {
    const outfile = join(folder, "app.cjs");
    await bundle(app, true, { format: "cjs", platform: "node", outfile, conditions: ["svelte", "node", "development"] });
    return require(outfile);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function bundle(app, server, options, svelte4 = false) {
  return build({
    entryPoints: [here(`../apps/${app}`)],
    bundle: true,
    target: "es2022",
    jsx: "automatic",
    define: DEFINES,
    logLevel: "error",
    plugins: [packages(server, svelte4), sfc(server), svelte(server, svelte4 ? compile4 : compile, svelte4)],
    ...options,
  });
}

/** The package as it is built; in a page, its entries are the site's files. */
const packages = (server, svelte4) => ({
  name: "packages",
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^throughline$/ }, () => ({ path: here("text.js") }));
    onResolve({ filter: /^throughline\/voice$/ }, () => ({ path: here("voice.js") }));
    onResolve({ filter: /^throughline\/(react|vue|svelte)$/ }, ({ path }) => ({ path: dist(path.split("/")[1]) }));
    onResolve({ filter: /^#(throughline|voice)$/ }, ({ path }) => (server ? { path: dist(path.slice(1)) } : { path: `/${path.slice(1)}.js`, external: true }));
    if (!svelte4) return;
    onResolve({ filter: /^svelte(\/.*)?$/ }, ({ path, kind }) => resolve(path.replace("svelte", "svelte4"), { kind, resolveDir: here(".") }));
  },
});

/** Vue's single-file components. */
const sfc = (ssr) => ({
  name: "vue",
  setup({ onLoad }) {
    onLoad({ filter: /\.vue$/ }, async ({ path }) => {
      const { descriptor } = parse(await readFile(path, "utf8"), { filename: path });
      const { content } = compileScript(descriptor, { id: "test", inlineTemplate: true, templateOptions: { ssr, ssrCssVars: [] } });
      return { contents: content, loader: "ts" };
    });
  },
});

const svelte = (server, compile, is4) => ({
  name: "svelte",
  setup({ onLoad }) {
    onLoad({ filter: /\.svelte$/ }, async ({ path }) => {
      const generate = server ? (is4 ? "ssr" : "server") : is4 ? "dom" : "client";
      const { js } = compile(await readFile(path, "utf8"), { filename: path, generate, dev: true });
      return { contents: js.code, loader: "js" };
    });
  },
});
