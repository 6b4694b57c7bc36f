/** An interview app: a session by POST, text up by POST, events down by an event stream, and a WebSocket where the host lets it be. */
export default {
  key: "a",
  title: "POST and SSE",
  about: "An app whose WebSocket route may be missing: then a POST takes text up and an event stream brings it down, and the app does not see the difference.",
  transports: ["websocket", "sse"],
  options({ origin }) {
    const api = `${origin}/api/interview-v2`;
    return {
      endpoints: {
        websocket: ({ sessionId }) => `${api}/ws?sessionId=${sessionId}`,
        sse: ({ sessionId }) => `${api}/stream?sessionId=${sessionId}`,
        send: `${api}/`,
      },
      dialect: {
        name: "json",
        ready: "session",
        session: { start: async ({ signal }) => (await fetch(`${api}/session`, { method: "POST", signal })).json() },
        post: { text: ({ sessionId, text }) => ({ path: "text", body: { sessionId, text } }) },
        errors: { type: "error" },
      },
    };
  },
  room: {
    says: { text: "text" },
    hears: { created: "session", text: "text" },
  },
};
