// Requests of the split transports: abortable, bounded in time, POSTs one after another.

import { ENDPOINT, LOST, POST_HUNG, SIDE_PROBE, STATUS, WRITTEN } from "../../pkg/js/core.js";
import { SessionError, statusError } from "../../pkg/js/error.js";
import { ANSWER, pack, receive } from "./unit.js";

/** Milliseconds a POST may take. */
const POST_TIMEOUT = 10_000;

/** Milliseconds that an answer which waited has after that. */
const THAW = 500;

/** Statuses that refuse a POST for now, whatever it says. */
const PASSING = [401, 408, 425, 429];

/** Milliseconds the side probe may take. */
const SIDE_PROBE_TIMEOUT = 5_000;

/** What every request of a link shares, and what is particular to this one. @param {string} [accept] @param {any} [init] @returns {any} */
export function request(host, signal, accept, init) {
  const headers = accept ? { Accept: accept } : {};
  if (host.token) headers.Authorization = "Bearer " + host.token;
  if (accept && host.lastEventId) headers["Last-Event-ID"] = host.lastEventId;
  return { signal, credentials: host.credentials, cache: "no-store", ...init, headers: { ...headers, ...init?.headers } };
}

/** Fetches. A plain server that refuses the token has done nothing: it is asked again with a fresh one, and greeted with it where that comes first.
 * @param {string} [accept] @param {any} [init] @param {any} [greets] */
export async function ask(host, address, signal, accept, init, greets = accept) {
  const send = () => fetch(address, request(host, signal, accept, init));
  const response = await send();
  if (response.status !== 401 || !host.json || !host.options.token) return response;
  await host.refreshToken(1);
  if (greets) await host.json.greet(host);
  return send();
}

/** Reports an answer that is not success. */
export function refuse(host, attempt, response) {
  host.ended(attempt, STATUS, 0, response.status, retryAfter(response));
}

/** Milliseconds of `Retry-After` (RFC 9110 §10.2.3: seconds or a date), −1 if there is none. */
export function retryAfter(response) {
  const value = response.headers.get("Retry-After");
  const ms = /^\d+$/.test(value) ? value * 1000 : Date.parse(value) - Date.now();
  return ms >= 0 ? ms : -1;
}

/** Asks the address as a plain GET: a refused WebSocket hides its status, this does not. */
export function sideProbe(host) {
  host.locate(0, "websocket", async (address) => {
    try {
      const signal = AbortSignal.timeout(SIDE_PROBE_TIMEOUT);
      const response = await fetch(address, request(host, signal));
      host.tell(SIDE_PROBE, response.status, retryAfter(response));
      await response.body?.cancel();
    } catch {
      host.tell(SIDE_PROBE, 0, -1);
    }
  });
}

/** Adds to an address. */
export function queried(address, query) {
  return address + (address.includes("?") ? "&" : "?") + new URLSearchParams(query);
}

/** Adds the link's name to an address. */
export function linked(host, address, link) {
  return host.json ? address : queried(address, { link });
}

/** The way up of a split link. */
export function openUplink(host, attempt, link, signal) {
  let last = Promise.resolve();
  async function post(item, quiet) {
    const limit = new AbortController();
    const hung = () => limit.abort(POST_HUNG);
    // After a frozen page thaws, its timers come before the answers that waited.
    let alarm = setTimeout(() => (alarm = setTimeout(hung, THAW)), POST_TIMEOUT);
    const abort = () => limit.abort();
    signal.addEventListener("abort", abort);
    let address, to;
    try {
      address = await new Promise((resolve) => host.locate(attempt, "send", resolve));
      const { path = "", init, body } = item.raw ? host.json.shapeOf(item) : { body: item };
      to = linked(host, new URL(path, address).href, link);
      const headers = { "Content-Type": typeof body === "string" ? "application/json" : "application/octet-stream" };
      const response = await ask(host, to, limit.signal, "", { method: "POST", body, ...init, headers: { ...headers, ...init?.headers } });
      const answer = await response.text();
      const { status } = response;
      if (item.raw && !quiet && status >= 400 && status < 500 && !PASSING.includes(status)) {
        item.refused = statusError(status, answer);
      } else if (!response.ok) {
        refuse(host, attempt, response);
        return false;
      } else if (answer && (!host.json || host.json.options.answers) && !signal.aborted) receive(host, attempt, answer, ANSWER);
      return !signal.aborted;
    } catch (cause) {
      // What the application's own function threw is none of the link's.
      if (!to) {
        item.refused = new SessionError("unserialisable", { cause });
        if (quiet) host.trouble(item.refused);
        return true;
      }
      if (!signal.aborted) host.refused(attempt, address, limit.signal.reason === POST_HUNG ? POST_HUNG : LOST);
      return false;
    } finally {
      clearTimeout(alarm);
      signal.removeEventListener("abort", abort);
    }
  }
  return (unit, quiet) => {
    last = last.then(async () => {
      for (const item of pack(unit)) if (signal.aborted || !(await post(item, quiet))) return;
      if (!quiet) host.tell(WRITTEN, attempt);
    });
  };
}
