// A small site of its own: blank pages with any headers, and the built package. It outlives the server under test.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = new URL("../../../", import.meta.url);
const HARNESS = fileURLToPath(new URL("harness.js", import.meta.url));
/** Files of the built package, by what their names end in. */
const TYPES = { js: "text/javascript", wasm: "application/wasm", json: "application/json", map: "application/json" };
const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const PAGE = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>blank</title><script src="/harness.js"></script>';

/** Starts the site; with `secure`, over https with a certificate that nobody trusts. `modules` are further files: their text by path. */
export async function startSite({ secure = false, modules = {} } = {}) {
  const handle = async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://site");
    const headers = { "Cache-Control": "no-store", ...ISOLATED };
    if (pathname === "/page") {
      const policy = searchParams.get("csp");
      if (policy) headers["Content-Security-Policy"] = policy;
      // What must not be stored is not kept for the way back either.
      if (searchParams.has("keep")) headers["Cache-Control"] = "no-cache";
      response.writeHead(200, { ...headers, "Content-Type": "text/html" });
      return response.end(PAGE);
    }
    const [, name, extension] = /^\/([\w-]+\.(\w+))$/.exec(pathname) ?? [];
    const file = pathname === "/harness.js" ? HARNESS : name && fileURLToPath(new URL(`pkg/dist/${name}`, ROOT));
    const body = modules[pathname] ?? (file && (await readFile(file).catch(() => undefined)));
    if (body === undefined) return response.writeHead(404).end();
    response.writeHead(200, { ...headers, "Content-Type": TYPES[extension] ?? "text/javascript" });
    response.end(body);
  };
  const server = secure ? createSecureServer(await certificate(), handle) : createServer(handle);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http${secure ? "s" : ""}://127.0.0.1:${server.address().port}`;
  return {
    url,
    server,
    page: (query = {}) => `${url}/page?${new URLSearchParams(query)}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Makes a key and a certificate of its own for one run. */
async function certificate() {
  const folder = await mkdtemp(join(tmpdir(), "throughline-site-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  try {
    const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"];
    await promisify(execFile)("openssl", [...args, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert]);
    return { key: await readFile(key), cert: await readFile(cert) };
  } finally {
    await rm(folder, { recursive: true });
  }
}
