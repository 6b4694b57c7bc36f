/** A voice interview over WebRTC: the app's backend makes the session and passes the offer on to what speaks as OpenAI does, or relays its events over a WebSocket. */
export default {
  key: "d",
  title: "OpenAI voice",
  about: "Sound over WebRTC, events over its data channel, by way of the app's own backend. Where that cannot be, its WebSocket carries both. What answers is a script.",
  voice: true,
  transports: ["webrtc", "websocket"],
  options({ origin }) {
    const api = `${origin}/api`;
    const jobTitle = "Engineer";
    return {
      endpoints: { webrtc: `${api}/webrtc-exchange`, websocket: ({ sessionId }) => `${api}/realtime?sessionId=${sessionId}` },
      // Short-lived, as the app's sign-in has it.
      token: () => crypto.randomUUID(),
      webrtc: { channel: { label: "messages" }, signaling: { name: "json", body: ({ id }) => ({ sessionId: id, model: "gpt-realtime" }) } },
      dialect: {
        name: "openai",
        start: ({ token, signal }) =>
          fetch(`${api}/realtime-session`, {
            method: "POST", headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" }, body: JSON.stringify({ jobTitle }), signal,
          }),
        session: { instructions: `You interview a candidate for the job of ${jobTitle}.`, audio: { input: { transcription: { model: "gpt-4o-transcribe" } } } },
        tools: {
          note_answer: {
            description: "Notes what an answer was about.",
            parameters: { type: "object", properties: { topic: { type: "string" } }, required: ["topic"] },
            run: () => "noted",
          },
        },
      },
    };
  },
  room: {
    says: {},
    hears: { created: "session.created" },
    /** Has the interviewer begin, once it can be heard. */
    begins: (session) => session.audio.on("state", ({ to }) => to === "on" && !session.conversation.messages.length && session.send("response.create")),
    /** Says what the user wrote, to an interviewer who stops to listen. */
    async writes(session, text) {
      session.audio.interrupt();
      await session.send("conversation.item.create", { item: { type: "message", role: "user", content: [{ type: "input_text", text }] } });
      await session.send("response.create");
    },
  },
};
