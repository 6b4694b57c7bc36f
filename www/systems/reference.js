/** Our own server: every transport, sound included, one session that outlives them all. */
export default {
  key: "",
  title: "Reference",
  about: "Our own server: an interview room and an operator console on one session, effectively once.",
  voice: true,
  transports: ["webrtc", "websocket", "sse", "long-poll"],
  options({ origin, query }) {
    if (query.get("dialect") !== "json") return { url: `${origin}/realtime`, recover: true };
    return { url: `${origin}/json?client=${crypto.randomUUID()}`, dialect: { name: "json", ready: "SESSION_CREATED" } };
  },
  room: {
    starts: "START_INTERVIEW",
    says: { text: "USER_MESSAGE", pause: "PAUSE_INTERVIEW", resume: "RESUME_INTERVIEW", end: "END_INTERVIEW" },
    hears: {
      created: "SESSION_CREATED", text: "AI_MESSAGE", typing: "TYPING_INDICATOR", paused: "INTERVIEW_PAUSED", resumed: "INTERVIEW_RESUMED", ended: "INTERVIEW_ENDED", error: "ERROR",
    },
  },
  console: {
    subscribes: "SUBSCRIBE",
    hears: { comment: "COMMENT", status: "STATUS" },
  },
};
