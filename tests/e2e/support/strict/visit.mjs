// Opens pages whose policy is tried, and hears what came of the session in them.

import { NONCE } from "./policies.mjs";

/** Milliseconds until a page has told, which gives up earlier. */
const PATIENCE = 40_000;

/** What a page of a site is asked for: a session of an entry's. */
export function sessionOf(site, { entry, file }, { workletUrl, ...options }) {
  const audio = workletUrl && { workletUrl: site.url + workletUrl };
  return { entry: site.url + entry, options: { transports: ["websocket", "sse", "long-poll"], ...(file && { wasm: site.url + file }), ...(audio && { audio }), ...options } };
}

/**
 * Opens a page and resolves with what it tells. `sites` are the page's and that of the page around it; `away` is the origin of the session's server where that is
 * not the page's; `about` is what the page is asked for.
 */
export async function visit(browser, [site, outer], { policy, meta, reportOnly, headers, head = "", integrity = "", frame, worker, inherits }, away, about) {
  const origins = { here: site.url, away };
  const sent = { ...headers };
  if (policy) sent["Content-Security-Policy"] = policy(origins);
  if (reportOnly) sent["Content-Security-Policy-Report-Only"] = reportOnly(origins);
  const thread = `import { trial } from "${site.url}/trial.js";\nonmessage = async ({ data }) => postMessage(await trial(data));\n`;
  const asked = { ...about, inherits };
  if (worker || inherits) asked.worker = site.put("worker.js", worker && { "Content-Security-Policy": worker(origins) }, thread);
  const named = meta ? `<meta http-equiv="Content-Security-Policy" content="${meta(origins)}">` : "";
  const text = `<!doctype html><meta charset="utf-8">${named}<title>strict</title>${head}<script type="module" nonce="${NONCE}" src="/page.js" integrity="${integrity}"></script>`;
  const page = `${site.put("page", sent, text)}?${new URLSearchParams({ about: JSON.stringify(asked) })}`;
  return hear(browser, frame ? outer.put("around", {}, around(page, frame)) : page);
}

/** Opens an address and resolves with what the page there tells. */
export async function hear({ driver }, address) {
  await driver.get(address);
  return JSON.parse(await driver.wait(() => driver.executeScript("return document.documentElement.dataset.outcome"), PATIENCE));
}

/** A page that holds another and hears what it tells. */
const around = (page, frame) => `<!doctype html><meta charset="utf-8"><title>around</title>
<script>addEventListener("message", ({ data }) => (document.documentElement.dataset.outcome = data));</script>
<iframe ${Object.entries(frame).map(([name, value]) => `${name}="${value}"`).join(" ")} src="${page}"></iframe>`;
