// Server-sent events (WHATWG HTML §9.2) down, POST up.

import { CUT, LOST, PROTOCOL } from "../../pkg/js/core.js";
import { eventStream } from "./event-stream.js";
import { ask, linked, openUplink, queried, refuse } from "./fetch.js";
import { causeOf, receive } from "./unit.js";

/** Largest event accepted, in characters. */
const EVENT_LIMIT = 4 << 20;

export function openSse(host, attempt, link) {
  const abort = new AbortController();
  const { signal } = abort;
  let source;
  host.locate(attempt, "sse", (address) => {
    if (signal.aborted) return;
    address = linked(host, address, link);
    if (host.native) source = listen(host, attempt, since(host, address));
    else stream(host, attempt, address, signal);
  });
  return {
    send: openUplink(host, attempt, link, signal),
    close() {
      abort.abort();
      source?.close();
    },
  };
}

async function stream(host, attempt, address, signal) {
  let retry = -1;
  try {
    /** @type {any} */
    const response = await ask(host, address, signal, "text/event-stream");
    if (!response.ok) return refuse(host, attempt, response);
    if (!/^text\/event-stream/i.test(response.headers.get("Content-Type"))) {
      return host.ended(attempt, PROTOCOL, 0, response.status);
    }
    host.opened(attempt);
    const read = eventStream(
      EVENT_LIMIT,
      (type, data, id) => signal.aborted || receive(host, attempt, data, type, id),
      (ms) => (retry = ms),
    );
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) break;
      host.heard(attempt);
      if (!read(value)) return host.ended(attempt, PROTOCOL);
    }
    // An end that is none of the network's, where events say what the next stream goes on from.
    host.ended(attempt, host.json && host.lastEventId ? CUT : broken(host), 0, 0, retry);
  } catch {
    if (!signal.aborted) host.refused(attempt, address, broken(host));
  }
}

/** How a stream's end counts that may be the network's. */
const broken = ({ json }) => (json?.options.cut ? CUT : LOST);

/** `EventSource` takes no headers. */
function since(host, address) {
  const { lastEventId } = host;
  return lastEventId ? queried(address, { lastEventId }) : address;
}

/** `EventSource` would reconnect by itself and hides why it failed: its first error is its last. */
function listen(host, attempt, address) {
  let source;
  try {
    source = new EventSource(address, { withCredentials: host.credentials === "include" });
  } catch (error) {
    return host.ended(attempt, causeOf(error));
  }
  source.onopen = () => host.opened(attempt);
  source.onmessage = (event) => receive(host, attempt, event.data, event.type, event.lastEventId);
  for (const name of host.json?.options.events ?? []) source.addEventListener(name, source.onmessage);
  source.onerror = () => {
    source.close();
    host.refused(attempt, address, broken(host));
  };
  return source;
}
