// Long polling: held GETs down, POST up.

import { LOST, OPENED } from "../../pkg/js/core.js";
import { linked, openUplink, refuse, request } from "./fetch.js";
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

async function poll(host, attempt, address, signal) {
  try {
    for (let count = 1; !signal.aborted; count++) {
      // A browser silently asks again where a connection broke: the number tells the server.
      const response = await fetch(host.json ? address : address + "&poll=" + count, request(host, signal));
      if (!response.ok) return refuse(host, attempt, response);
      const bytes = response.headers.get("Content-Type") === "application/octet-stream";
      const data = bytes ? await response.arrayBuffer() : await response.text();
      if (signal.aborted) return;
      host.tell(OPENED, attempt);
      host.heard(attempt);
      const empty = !data || data === "[]";
      if (!empty) receive(host, attempt, data, "message");
      else await pause(host.json ? POLL_INTERVAL : EMPTY_PAUSE, signal);
    }
  } catch {
    if (!signal.aborted) host.refused(attempt, address, LOST);
  }
}

function pause(ms, signal) {
  return new Promise((/** @type {any} */ resolve) => {
    const alarm = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(alarm), resolve()));
  });
}
