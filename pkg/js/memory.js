/** What worked, per origin and kind of network, in `localStorage`. Storage that is forbidden or full is none. */
const KEY = "throughline";
const LIFETIME = 86_400_000;
/** In a plain dialect nothing looks for a better transport later: what was fallen back to goes first for so long, counted from the first time. */
const PLAIN_LIFETIME = 600_000;

/** Only a page's: Node warns of its own as soon as it is named. */
const store = () => location && localStorage;

const isFresh = (known, plain) => known && Date.now() - known[2] < (plain ? PLAIN_LIFETIME : LIFETIME);

/** Returns transport and round trip, or nothing. @param {string} key @param {unknown} plain whether the dialect is a plain one */
export function recall(key, plain) {
  const known = read()[key];
  return isFresh(known, plain) ? known.slice(0, 2) : [];
}

/** @param {string} key @param {number} transport @param {number} rtt @param {unknown} plain whether the dialect is a plain one */
export function remember(key, transport, rtt, plain) {
  try {
    const all = read();
    const known = all[key];
    const since = plain && isFresh(known, plain) && known[0] === transport ? known[2] : Date.now();
    const fresh = Object.entries(all).filter(([, known]) => isFresh(known, false));
    store().setItem(KEY, JSON.stringify({ ...Object.fromEntries(fresh.slice(-20)), [key]: [transport, rtt, since] }));
  } catch {}
}

function read() {
  try {
    const known = JSON.parse(store().getItem(KEY) ?? "{}");
    return Object.values(known).every((item) => Array.isArray(item) && item.every(Number.isSafeInteger)) ? known : {};
  } catch {
    return {};
  }
}
