// Long polling: held GETs down, POST up.

import { LOST, READY } from "../../pkg/js/core.js";
import { ask, linked, openUplink, refuse } from "./fetch.js";
import { receive } from "./unit.js";

/** Milliseconds between polls of a server that does not hold them. */
const POLL_INTERVAL = 3_000;

/** Milliseconds before the next poll where one was answered with nothing. */
const EMPTY_PAUSE = 100;

export function openLongPoll(host, attempt, link) {
  const abort = new AbortController();
  host.address(attempt, "poll", (address) => {
    if (!abort.signal.aborted) poll(host, attempt, linked(host, address, link), abort.signal);
  });
  return {
    send: openUplink(host, attempt, link, abort.signal),
    close: () => abort.abort(),
  };
}

async function poll(host, attempt, base, signal) {
  const { json } = host;
  const net = json?.options.poll;
  // While another link opens, that is what delivers.
  const aside = () => net && host.links.size > 1;
  let tag, last;
  try {
    for (let count = 1; !signal.aborted; count++) {
      // A browser silently asks again where a connection broke: the number tells the server.
      let address = json ? base : base + "&poll=" + count;
      if (net?.cursor) address = queried(base, net.cursor(json.last));
      if (address !== last) tag = undefined;
      const response = aside() || (await ask(host, address, signal, "", tag && { headers: { "If-None-Match": tag } }));
      const { status = 304, headers } = response;
      if (!response.ok && status !== 304) return refuse(host, attempt, response);
      const bytes = headers?.get("Content-Type") === "application/octet-stream";
      const data = status === 304 ? "" : bytes ? await response.arrayBuffer() : await response.text();
      if (signal.aborted) return;
      if (count === 1) host.opened(attempt);
      if (net) host.tell(READY, attempt);
      host.heard(attempt);
      const empty = !data || data === "[]" || aside();
      if (!empty) {
        [tag, last] = [headers.get("ETag"), address];
        receive(host, attempt, data, "message");
      }
      if (empty || net) await pause(net?.interval ?? (json ? POLL_INTERVAL : EMPTY_PAUSE), signal);
    }
  } catch {
    if (!signal.aborted) host.refused(attempt, base, LOST);
  }
}

/** Adds what a cursor says to an address. */
function queried(address, query) {
  const url = new URL(address);
  for (const [name, value] of new URLSearchParams(query)) url.searchParams.set(name, value);
  return url.href;
}

function pause(ms, signal) {
  return new Promise((/** @type {any} */ resolve) => {
    const alarm = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(alarm), resolve()));
  });
}
