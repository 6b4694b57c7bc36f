// Pages that hold what they load to a digest: by a script's own element, by an import map, by a request, and because a header demands it.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

import { ENTRIES, NONCE } from "./policies.mjs";

const CONNECT = "connect-src 'self'";
const policy = () => `default-src 'none'; script-src 'nonce-${NONCE}' 'strict-dynamic' 'wasm-unsafe-eval'; ${CONNECT}`;
const DEMAND = { "Integrity-Policy": "blocked-destinations=(script)" };
const of = (bytes) => `sha384-${createHash("sha384").update(bytes).digest("base64")}`;
const WRONG = of("another file");
/** Tells that the page's own script was refused. */
const GUARD = `<script nonce="${NONCE}">addEventListener("error", ({ target }) => {
  if (target.src) document.documentElement.dataset.outcome = JSON.stringify({ outcome: "refused", errors: [], reports: [], stray: [] });
}, true);</script>`;
/** Chromium and WebKit fetch anew for an `import` what an element would not have. */
const ELSEWHERE = { chromium: "websocket", webkit: "websocket" };
/** To WebKit, what an import map vouches for has no digest. */
const UNVOUCHED = { webkit: "refused" };

/**
 * Pages by name, each with the entry it imports and what that comes to: a transport, or `refused` before there is a session. `files` gives a file's path on this machine by its address.
 * @returns {Promise<Record<string, any>>}
 */
export async function digestPages(files) {
  const published = JSON.parse(await readFile(files["/integrity.json"], "utf8"));
  const right = {};
  for (const path of ["/throughline.js", "/throughline.wasm"]) right[path] = published[path.slice(1)];
  for (const path of ["/trial.js", "/page.js"]) right[path] = of(await readFile(files[path]));
  const preload = (digest) => `<link rel="modulepreload" nonce="${NONCE}" href="/throughline.js" integrity="${digest}">`;
  const map = (integrity) => `<script type="importmap" nonce="${NONCE}">${JSON.stringify({ imports: { throughline: "/throughline.js" }, integrity })}</script>`;
  const { "/throughline.js": script, ...others } = right;
  const [inlined, file] = [ENTRIES.throughline.entry, ENTRIES.wasm];
  const given = (integrity) => ({ entry: file.entry, wasm: { address: file.file, integrity } });
  const demanded = { policy, headers: DEMAND, integrity: right["/page.js"] };
  return {
    "element-right": { page: { policy, head: GUARD, integrity: right["/page.js"] }, entry: inlined, comes: "websocket" },
    "element-wrong": { page: { policy, head: GUARD, integrity: WRONG }, entry: inlined, comes: "refused" },
    "preload-right": { page: { policy, head: preload(script) }, entry: inlined, comes: "websocket" },
    "preload-wrong": { page: { policy, head: preload(WRONG) }, entry: inlined, comes: "refused", only: ELSEWHERE },
    "import-map-right": { page: { policy, head: map({ "/throughline.js": script }) }, entry: "throughline", comes: "websocket" },
    "import-map-wrong": { page: { policy, head: map({ "/throughline.js": WRONG }) }, entry: "throughline", comes: "refused" },
    "request-right": { page: { policy }, ...given(right["/throughline.wasm"]), comes: "websocket" },
    "request-wrong": { page: { policy }, ...given(WRONG), comes: "wasm_unavailable" },
    "demanded-given": { page: { ...demanded, head: GUARD + map(right) }, entry: "throughline", comes: "websocket", only: UNVOUCHED },
    "demanded-missing": { page: { ...demanded, head: GUARD + map(others) }, entry: "throughline", comes: "refused" },
  };
}
