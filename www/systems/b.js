/** A typed interview protocol on one WebSocket: ready once the server has made a session, which every later message names. */
export default {
  key: "b",
  title: "Typed protocol",
  about: "One WebSocket at /ws. The server is ready when it says SESSION_CREATED, which this app knows as WELCOME, and asks first.",
  transports: ["websocket"],
  options({ origin }) {
    return {
      url: `${origin}/ws`,
      dialect: {
        name: "json",
        ignoreCase: true,
        // A server that was restarted knows no session to resume, and says so: it is there all the same.
        ready: ["SESSION_CREATED", "INTERVIEW_RESUMED", "ERROR"],
        alias: { SESSION_CREATED: "WELCOME" },
        session: { from: "SESSION_CREATED" },
        hello: ({ sessionId }) => (sessionId ? { type: "RESUME_INTERVIEW", sessionId } : { type: "START_INTERVIEW" }),
        errors: { type: "ERROR" },
      },
    };
  },
  room: {
    isForgotten: ({ message }, sessionId) => message === `Session ${sessionId} not found`,
    says: { again: "START_INTERVIEW", text: "USER_MESSAGE", pause: "PAUSE_INTERVIEW", resume: "RESUME_INTERVIEW", end: "END_INTERVIEW" },
    hears: {
      created: "WELCOME", text: "AI_MESSAGE", typing: "TYPING_INDICATOR", paused: "INTERVIEW_PAUSED", resumed: "INTERVIEW_RESUMED", ended: "INTERVIEW_ENDED",
    },
  },
};
