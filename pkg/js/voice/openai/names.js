// OpenAI Realtime had other names before it became generally available. What comes in those is told in today's; only today's are sent.

const RENAMED = {
  "response.text.delta": "response.output_text.delta",
  "response.text.done": "response.output_text.done",
  "response.audio.delta": "response.output_audio.delta",
  "response.audio.done": "response.output_audio.done",
  "response.audio_transcript.delta": "response.output_audio_transcript.delta",
  "response.audio_transcript.done": "response.output_audio_transcript.done",
  "conversation.item.created": "conversation.item.added",
  "transcription_session.created": "session.created",
  "transcription_session.updated": "session.updated",
};

const CONTENTS = { text: "output_text", audio: "output_audio" };
const FORMATS = { pcm16: { type: "audio/pcm", rate: 24_000 }, g711_ulaw: { type: "audio/pcmu" }, g711_alaw: { type: "audio/pcma" } };

/** An event as it is spelled today. @param {any} event */
export function today(event) {
  const { item, response, session } = event;
  const spelled = { ...event, type: Object.hasOwn(RENAMED, event.type) ? RENAMED[event.type] : event.type };
  if (item) spelled.item = itemOf(item);
  if (response) spelled.response = responseOf(response);
  if (session) spelled.session = sessionOf(session);
  return spelled;
}

function itemOf(item) {
  if (item?.role !== "assistant" || !Array.isArray(item.content)) return item;
  return { ...item, content: item.content.map((part) => ({ ...part, type: CONTENTS[part?.type] ?? part?.type })) };
}

function responseOf({ modalities, ...response }) {
  if (Array.isArray(response.output)) response.output = response.output.map(itemOf);
  return modalities ? { ...response, output_modalities: modalities } : response;
}

/** Formats, voice and turns were the session's own, before they were its `audio`'s. */
function sessionOf(session) {
  if (session.audio || !session.modalities) return session;
  const { modalities, voice, speed, turn_detection, input_audio_format, output_audio_format, input_audio_transcription, input_audio_noise_reduction, ...rest } = session;
  const input = { format: FORMATS[input_audio_format], transcription: input_audio_transcription, noise_reduction: input_audio_noise_reduction, turn_detection };
  return { type: "realtime", ...rest, output_modalities: modalities, audio: { input, output: { format: FORMATS[output_audio_format], voice, speed } } };
}
