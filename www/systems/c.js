/**
 * Audio on serverless functions: a call starts the session and says where the WebSocket is, if anywhere. Without one, POSTs take sound up and an event stream
 * brings it down, which the platform cuts off after its time.
 */
export default {
  key: "c",
  title: "Serverless sound",
  about: "Sound as base64 over an event stream and POSTs, or as bytes over the WebSocket that start-session names. Functions end after their time; nobody is to hear it. What you say comes back.",
  voice: true,
  transports: ["websocket", "sse"],
  options({ origin }) {
    const api = `${origin}/api`;
    return {
      endpoints: { sse: ({ sessionId }) => `${api}/audio-stream?sessionId=${sessionId}`, send: `${api}/audio-upload` },
      dialect: {
        name: "json",
        health: `${api}/health`,
        cut: "expected",
        type: ({ type, audio }) => type ?? (audio && "audio"),
        session: {
          start: async ({ signal }) => (await fetch(`${api}/start-session`, { method: "POST", body: JSON.stringify({ prompt: "Tell me a story." }), signal })).json(),
        },
        post: { sound: ({ sessionId, data }) => ({ body: { sessionId, audioData: data } }) },
      },
      // Functions may end after a few seconds here.
      timing: { stable: 2_000 },
      // Its server says again what it hears, and the user would interrupt that.
      audio: { rate: 24_000, bargeIn: false, messages: { chunk: "sound", hear: { audio: "audio", binary: (pcm) => pcm } } },
    };
  },
  room: { says: {}, hears: {} },
};
