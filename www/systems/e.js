const SHOW = "demo";

/**
 * A live operator console: a stream behind a bearer token with a comment now and then, and polls as a safety net. In the page's address,
 * `heartbeat=400` says how often its server writes one, `interval=100` how often is polled, and `tokenQuery=1` puts the token where no header can carry it.
 */
export default {
  key: "e",
  title: "Operator console",
  about: "A show's events behind a bearer token, streamed by fetch. Where nothing streams, a poll each 3 s stands in until something does.",
  transports: ["sse", "long-poll"],
  options({ origin, query }) {
    const show = `${origin}/api/shows/${SHOW}`;
    return {
      endpoints: { sse: `${show}/stream`, poll: `${show}/events`, send: null },
      token: () => sessionStorage.getItem("demo:token") ?? "operator",
      dialect: {
        name: "json",
        heartbeat: Number(query.get("heartbeat") ?? 15_000),
        tokenQuery: query.has("tokenQuery") ? "token" : undefined,
        poll: { interval: Number(query.get("interval") ?? 3_000), messages: ({ events }) => events, cursor: (last, answer) => ({ cursor: answer?.cursor ?? 0 }) },
      },
    };
  },
  console: {
    hears: { comment: "COMMENT" },
    /** How many streams of the show the server itself counts. */
    clients: ({ shows }) => shows[SHOW] ?? 0,
  },
};
