// The bus inside System E's process: who watches a show hears what is broadcast to it.

/** Events kept of a show, and shows kept. */
const KEPT = 200;
const SHOWS = 1_000;

const shows = new Map();

/** Sends an event to everybody who watches a show, and returns how many that were. */
export function broadcastToShow(showId, event) {
  const show = open(showId);
  show.events.push({ cursor: ++show.last, event });
  if (show.events.length > KEPT) show.events.shift();
  let sent = 0;
  for (const listener of show.listeners) if (listener(event)) sent++;
  return sent;
}

/** Calls `listener` with each event of a show; it returns whether it passed it on. What is returned ends it. */
export function watch(showId, listener) {
  const show = open(showId);
  show.listeners.add(listener);
  return () => {
    show.listeners.delete(listener);
    forget(showId, show);
  };
}

/** What came after a cursor, and the cursor after that. Without one: all that is kept. */
export function since(showId, cursor = 0) {
  const { events = [], last = 0 } = shows.get(showId) ?? {};
  // A cursor from before a restart would wait for events that have long come.
  const from = cursor > last ? 0 : cursor;
  return { events: events.filter((entry) => entry.cursor > from).map(({ event }) => event), cursor: last };
}

/** How many watch each show that somebody watches. */
export function clients() {
  return new Map([...shows].map(([id, { listeners }]) => [id, listeners.size]).filter(([, count]) => count));
}

function open(showId) {
  let show = shows.get(showId);
  if (show) return show;
  show = { listeners: new Set(), events: [], last: 0 };
  shows.set(showId, show);
  const oldest = shows.size > SHOWS && [...shows].find(([id, { listeners }]) => id !== showId && !listeners.size);
  if (oldest) shows.delete(oldest[0]);
  return show;
}

/** Nothing is left of a show that nobody watched and nothing was broadcast to. */
function forget(showId, { listeners, last }) {
  if (!listeners.size && !last) shows.delete(showId);
}
