// ICE servers: found, read in every shape that providers answer with, kept while they are fresh.

/** Milliseconds that servers are kept which name no lifetime of their own. */
const LIFETIME = 300_000;
/** Milliseconds before their end at which they are as good as expired. */
const MARGIN = 60_000;

/** The ICE servers of one session. */
export class IceServers {
  /** How the last attempt failed, until one succeeds. @type {string | undefined} */
  failure;
  #source;
  #servers;
  /** By the wall clock: a sleep counts. */
  #until = 0;

  /** @param {any} source a list, an address or a function */
  constructor(source) {
    this.#source = source;
  }

  /** The servers that are known and fresh; an empty list where none are asked for. */
  known() {
    return this.#source === undefined ? [] : this.#until > Date.now() ? this.#servers : undefined;
  }

  /** Finds the servers anew. The token goes along only to the origin that answers offers.
   * @param {AbortSignal} signal @param {string} address where offers go @param {string} [token] */
  async find(signal, address, token) {
    const source = this.#source;
    let found = source;
    if (typeof source === "function") found = await source({ signal });
    else if (typeof source === "string" || source instanceof URL) {
      const url = new URL(source, globalThis.location?.href ?? address);
      const headers = token && url.origin === new URL(address).origin ? { Authorization: "Bearer " + token } : undefined;
      const response = await fetch(url, { headers, signal, cache: "no-store" });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      found = await response.json();
    }
    const { servers, lifetime } = normalised(found);
    this.#servers = servers;
    this.#until = found === source ? Infinity : Date.now() + lifetime - Math.min(MARGIN, lifetime / 2);
    return servers;
  }
}

/**
 * Reads servers and their lifetime in milliseconds: a list of them, one by itself, or either under `iceServers` (Cloudflare),
 * `ice_servers` (Twilio) or `v.iceServers` (Xirsys). Throws where there are none to read.
 */
export function normalised(value) {
  const list = [value?.iceServers ?? value?.ice_servers ?? value?.v?.iceServers ?? value].flat();
  const servers = [];
  for (const server of list) {
    const named = [server?.urls ?? server?.url].flat();
    if (!named.every((url) => typeof url === "string")) throw new TypeError("not a list of ICE servers");
    // On port 53 browsers send nothing, and wait.
    const urls = named.filter((url) => /^(stun|turn)s?:/.test(url) && !/:53(\?|$)/.test(url));
    const { username, credential } = server;
    if (urls.length) servers.push({ urls, ...(username == null ? {} : { username }), ...(credential == null ? {} : { credential }) });
  }
  return { servers, lifetime: lifetimeOf(value ?? {}) ?? LIFETIME };
}

/** `ttl` in seconds, `lifetimeDuration` as `"86400s"`, `expires_at` as seconds, milliseconds or a date. */
function lifetimeOf({ ttl, lifetimeDuration, expires_at, expiresAt = expires_at }) {
  const span = ttl ?? lifetimeDuration;
  const seconds = parseFloat(span);
  if (seconds >= 0) return seconds * 1_000;
  const end = Number(expiresAt) || Date.parse(expiresAt);
  if (end > 0) return Math.max(0, (end < 1e11 ? end * 1_000 : end) - Date.now());
}
