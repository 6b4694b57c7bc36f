// How offers become answers: WHIP (RFC 9725), a bare POST, JSON, or a function of the application's.

import { BAD_ADDRESS, ENDPOINT, HANG, PROTOCOL, REFUSED, STATUS, UNAVAILABLE } from "../../../pkg/js/core.js";
import { bounded } from "../../../pkg/js/listeners.js";
import { retryAfter } from "../fetch.js";
import { signalingOf } from "./options.js";
import { fragmentOf } from "./sdp.js";

/** Why there is no answer, and what the server said. */
class Refused extends Error {
  constructor(cause, message, told, status = 0, wait = -1) {
    super(message);
    this.cause = cause;
    this.told = told;
    this.status = status;
    this.wait = wait;
  }
}

const reset = () => {
  throw new Refused(REFUSED, "the connection was refused or reset");
};

/** One connection's exchanges with the server. Each fails with what it was refused for. */
export class Signaling {
  #host;
  #attempt;
  #address;
  #way;
  /** What the server holds for this connection. @type {{ address: string, etag: string | null } | undefined} */
  #resource;

  /** @param {any} host @param {number} attempt @param {string} address where offers go */
  constructor(host, attempt, address) {
    this.#host = host;
    this.#attempt = attempt;
    this.#address = address;
    this.#way = signalingOf(host.options.webrtc ?? {});
  }

  /** Whether an ICE restart can be told. */
  get mends() {
    return this.#way.name === "custom" || this.#way.name === "whip";
  }

  /** Exchanges an offer for an answer, and the ICE servers that come with it. @param {string} offer @param {AbortSignal} signal */
  async offer(offer, signal) {
    const { exchange: timeout } = this.#host.options.timing ?? {};
    if (timeout === undefined) return this.#offer(offer, signal);
    const limit = new AbortController();
    const limited = AbortSignal.any([signal, limit.signal]);
    return bounded({ timeout }, (resolve, reject, settled) => {
      settled(() => limit.abort());
      this.#offer(offer, limited).then(resolve, reject);
    }, () => new Refused(HANG, "no answer in time"));
  }

  async #offer(offer, signal) {
    if (this.#way.name === "custom") return this.#ask(offer, "offer", signal);
    const { body } = this.#way;
    if (typeof body === "function") this.#way = { ...this.#way, body: bodyFor(body, this.#host.json?.made) };
    const { headers, told } = await this.#send("POST", undefined, offer, signal);
    return { answer: answerOf(told), servers: serversIn(headers.get("Link") ?? "") };
  }

  /** Exchanges the offer of an ICE restart: for an answer, or for a fragment of one. @param {string} offer @param {AbortSignal} signal */
  async restart(offer, signal) {
    return this.#way.name === "custom" ? this.#ask(offer, "restart", signal) : this.#patch(offer, [], "*", signal);
  }

  /** Tells the server candidates. @param {string} offer @param {string[]} candidates @param {AbortSignal} signal */
  async trickle(offer, candidates, signal) {
    return this.#patch(offer, candidates, this.#resource?.etag, signal);
  }

  /** Tells the server that the connection is over, even while the page goes. */
  end() {
    const last = async () => this.#resource && fetch(this.#request("DELETE"));
    // Where it does not arrive, silence tells the server as much.
    last().catch(() => {});
    this.#resource = undefined;
  }

  async #ask(offer, reason, signal) {
    let told;
    try {
      told = await this.#host.options.webrtc.signaling(offer, { signal, attempt: this.#attempt, reason, url: this.#address });
    } catch (/** @type {any} */ error) {
      throw new Refused(ENDPOINT, String(error?.message ?? error), error);
    }
    return { answer: answerOf(told) };
  }

  async #patch(offer, candidates, etag, signal) {
    const fragment = fragmentOf(offer, candidates);
    if (!this.#resource || !fragment) throw new Refused(UNAVAILABLE, "nothing to tell, or nowhere");
    return { fragment: (await this.#send("PATCH", etag, fragment, signal)).told };
  }

  #request(method, etag, body, signal) {
    const address = new URL(this.#resource?.address ?? "", this.#address);
    const { token, credentials, json } = this.#host;
    // Another origin's resource is not to learn it.
    const known = address.origin === new URL(this.#address).origin;
    return requestOf({ ...(known ? { token, key: json?.secret } : {}), credentials }, this.#way, method, address, etag ?? undefined, body, signal);
  }

  async #send(method, etag, body, signal) {
    let request;
    try {
      request = this.#request(method, etag, body, signal);
    } catch (error) {
      throw new Refused(BAD_ADDRESS, "no such address", error);
    }
    const response = await fetch(request).catch(reset);
    const { ok, status, headers } = response;
    const address = headers.get("Location");
    if (ok && method === "POST" && address && this.#way.name === "whip") this.#resource = { address, etag: null };
    if (ok && this.#resource) this.#resource.etag = headers.get("ETag") ?? this.#resource.etag;
    const told = await response.text().catch(() => (ok ? reset() : ""));
    // It is gone: there is nothing to end.
    if (status === 404 || status === 410) this.#resource = undefined;
    if (!ok) throw new Refused(STATUS, `HTTP ${status} ${told}`, told, status, retryAfter(response));
    return { headers, told };
  }
}

function answerOf(told) {
  const answer = answerIn(told);
  if (answer === undefined) throw new Refused(PROTOCOL, "no SDP in the answer", told);
  return answer;
}

/** What an exchange asks: an offer is POSTed, a resource PATCHed and DELETEd. */
export function requestOf(host, signaling, method, address, etag, body, signal) {
  const json = signaling.name === "json";
  // A backend knows its own tokens, OpenAI the key that it gave.
  const { token, key = token } = host;
  const shown = json ? (token ?? key) : key;
  /** @type {Record<string, string>} */
  const headers = shown ? { Authorization: "Bearer " + shown } : {};
  if (method === "PATCH") headers["Content-Type"] = "application/trickle-ice-sdpfrag";
  if (etag !== undefined) headers["If-Match"] = etag;
  if (method === "POST") {
    headers["Content-Type"] = json ? "application/json" : "application/sdp";
    headers.Accept = "application/sdp, application/json";
    if (json) body = bodyOf(signaling, body, key);
  }
  return new Request(address, { method, headers, body, signal, credentials: host.credentials, cache: "no-store", keepalive: method === "DELETE" });
}

/** Finds the answer in what came, whatever its content type said: bare, or in JSON. @returns {string | undefined} */
export function answerIn(told) {
  let value = told;
  try {
    value = JSON.parse(told);
  } catch {}
  const { sdp, answer, transport } = value ?? {};
  const found = [value, sdp, answer?.sdp, transport?.sdp, answer].find((text) => typeof text === "string" && /^\s*v=0/.test(text));
  return found?.trimStart();
}

/** Further members, of what a session's start found. */
function bodyFor(body, made) {
  try {
    return body(made ?? {});
  } catch (/** @type {any} */ error) {
    throw new Refused(ENDPOINT, String(error?.message ?? error), error);
  }
}

/** Spells the offer as JSON: the names of its members are the server's. */
function bodyOf({ fields: { sdp: offer = "sdp", token: secret = "token" } = {}, body }, sdp, token) {
  return JSON.stringify({ ...(secret && token !== undefined ? { [secret]: token } : {}), ...body, [offer]: sdp });
}

/** ICE servers of a `Link` header (RFC 9725 §4.6). @param {string} header @returns {RTCIceServer[]} */
export function serversIn(header) {
  const servers = [];
  for (const [, url, rest] of header.matchAll(/<([^>]*)>((?:"(?:[^"\\]|\\.)*"|[^,"])*)/g)) {
    const of = (name) => new RegExp(`;\\s*${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^;,\\s]+))`, "i").exec(rest)?.slice(1).find((text) => text !== undefined);
    if (of("rel") !== "ice-server") continue;
    const [username, credential] = [of("username"), of("credential")];
    servers.push({ urls: [url], ...(username === undefined ? {} : { username }), ...(credential === undefined ? {} : { credential }) });
  }
  return servers;
}
