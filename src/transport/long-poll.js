// Long polling: held GETs down, POST up.

import { LOST, READY } from "../../pkg/js/core.js";
import { bounded } from "../../pkg/js/listeners.js";
import { ask, linked, openUplink, queried, refuse } from "./fetch.js";
import { receive } from "./unit.js";

/** Milliseconds between polls of a server that does not hold them. */
export const POLL_INTERVAL = 3_000;

/** Milliseconds before the next poll where one was answered with nothing. */
const EMPTY_PAUSE = 100;

export function openLongPoll(host, attempt, link) {
  const abort = new AbortController();
  host.locate(attempt, "poll", async (address) => {
    // Where that was known at once, the link is not yet.
    await 0;
    if (!abort.signal.aborted) poll(host, attempt, linked(host, address, link), abort.signal);
  });
  return {
    send: openUplink(host, attempt, link, abort.signal),
    close: () => abort.abort(),
  };
}

async function poll(host, attempt, base, signal) {
  const { json } = host;
  const plain = json?.options;
  const held = plain?.poll?.held;
  const net = held ? undefined : plain?.poll;
  // Once another link is open, that is what delivers.
  const aside = () => net && host.latest > attempt && host.links.has(host.latest);
  let tag, last, answer;
  // One that is refused is so before it is proven.
  if (held) host.opened(attempt);
  try {
    for (let count = 1; !signal.aborted; count++) {
      // A browser silently asks again where a connection broke: the number tells the server.
      const query = json ? net?.cursor?.(json.last, answer) : { poll: count };
      const address = query ? queried(base, query) : base;
      const headers = tag && address === last ? { "If-None-Match": tag } : {};
      /** @type {any} */
      let data = "";
      if (!aside()) {
        const response = await ask(host, address, signal, "", { headers }, count === 1);
        const fresh = response.status !== 304;
        if (!response.ok && fresh) return refuse(host, attempt, response);
        const bytes = response.headers.get("Content-Type") === "application/octet-stream";
        if (fresh) data = bytes ? await response.arrayBuffer() : await response.text();
        if (signal.aborted) return;
        if (fresh && aside()) data = "";
        else if (fresh) [tag, last] = [response.headers.get("ETag"), address];
      }
      if (count === 1 && !held) host.opened(attempt);
      if (net) host.tell(READY, attempt);
      host.heard(attempt);
      if (data && net?.messages) data = JSON.stringify(net.messages((answer = JSON.parse(data))));
      const empty = !data || data === "[]";
      if (!empty) receive(host, attempt, data, "message", plain?.envelope && tag);
      if (empty || net) await pause(net?.interval ?? (json ? POLL_INTERVAL : EMPTY_PAUSE), signal);
    }
  } catch {
    if (!signal.aborted) host.refused(attempt, base, LOST);
  }
}

const pause = (timeout, signal) => bounded({ timeout, signal }, () => {}).catch(() => {});
