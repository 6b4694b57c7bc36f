// An extension of Chromium's (Manifest V3), whose pages and service worker have the policy of its manifest, or the one that Chromium gives them.

import { createHash } from "node:crypto";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { FILES } from "./site.mjs";

/** It imports nothing late. */
const worker = (entry) => `import { trial } from "./trial.js";
import * as module from ".${entry}";
onmessage = async ({ data, ports: [port] }) => port.postMessage(await trial(data, module));
`;

/** By name: the policy of the manifest, if it has one, and what a session comes to. */
export const EXTENSIONS = {
  default: { denies: ["wasm"], comes: "websocket" },
  "wasm-unsafe-eval": { policy: "script-src 'self' 'wasm-unsafe-eval'", comes: "websocket" },
};

/** Writes an extension with an entry of the package's; `origin` is what its pages come from. */
export async function writeExtension(entry, policy) {
  const folder = await mkdtemp(join(tmpdir(), "throughline-extension-"));
  const manifest = { manifest_version: 3, name: "strict", version: "1", background: { service_worker: "worker.js", type: "module" } };
  if (policy) manifest.content_security_policy = { extension_pages: policy };
  await Promise.all([
    writeFile(join(folder, "manifest.json"), JSON.stringify(manifest)),
    writeFile(join(folder, "page.html"), '<!doctype html><title>strict</title><script type="module" src="page.js"></script>'),
    writeFile(join(folder, "worker.js"), worker(entry)),
    ...[entry, "/trial.js", "/page.js"].map((path) => cp(FILES[path], join(folder, path))),
  ]);
  // Chromium names an extension by where it lies.
  const hash = createHash("sha256").update(folder).digest("hex").slice(0, 32);
  const origin = `chrome-extension://${[...hash].map((digit) => String.fromCharCode(97 + parseInt(digit, 16))).join("")}`;
  return { folder, origin, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** What Chromium needs to be told to load it. */
export const flagsFor = (folder) => [`--disable-extensions-except=${folder}`, `--load-extension=${folder}`, "--disable-features=DisableLoadExtensionCommandLineSwitch"];
