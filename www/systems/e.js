const SHOW = "demo";
/** More than the server keeps. */
const REMEMBERED = 1_000;

const getToken = () => sessionStorage.getItem("demo:token") ?? "operator";

/** Ids of what came. Events of the stream have no cursor, so what is asked for beside it may have come before. */
const seen = new Set();
const isNew = ({ id }) => !seen.has(id);
function note({ id }) {
  seen.add(id);
  if (seen.size > REMEMBERED) seen.delete(seen.values().next().value);
}

/**
 * A live operator console: a stream behind a bearer token with a comment now and then, and polls as a safety net. In the page's address,
 * `heartbeat=400` says how often its server writes one, `interval=100` how often is polled, and `tokenQuery=1` puts the token where no header can carry it.
 */
export default {
  key: "e",
  title: "Live console",
  about: "A show's events behind a bearer token, streamed by fetch. Where nothing streams, a poll each 3 s stands in until something does.",
  transports: ["sse", "long-poll"],
  options({ origin, query }) {
    const show = `${origin}/api/shows/${SHOW}`;
    return {
      endpoints: { sse: `${show}/stream`, poll: `${show}/events`, send: null },
      token: getToken,
      dialect: {
        name: "json",
        type(event) {
          note(event);
          return event.type;
        },
        heartbeat: Number(query.get("heartbeat") ?? 15_000),
        tokenQuery: query.has("tokenQuery") ? "token" : undefined,
        poll: { interval: Number(query.get("interval") ?? 3_000), messages: ({ events }) => events.filter(isNew), cursor: (last, answer) => ({ cursor: answer?.cursor ?? 0 }) },
      },
    };
  },
  console: {
    hears: { comment: "COMMENT" },
    /** What was broadcast while nothing streamed. */
    async missed({ origin }) {
      const response = await fetch(`${origin}/api/shows/${SHOW}/events`, { headers: { Authorization: `Bearer ${getToken()}` } });
      const missed = response.ok ? (await response.json()).events.filter(isNew) : [];
      missed.forEach(note);
      return missed;
    },
    /** How many streams of the show the server itself counts. */
    clients: ({ shows }) => shows[SHOW] ?? 0,
  },
};
