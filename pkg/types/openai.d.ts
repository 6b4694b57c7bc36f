// The dialect `openai` of `throughline/voice`: docs/openai.md.

import type { AudioOptions, Endpoints, JsonSignaling, Options, Session, VoiceEvents, VoiceLifecycleEvent, WebRtcOptions } from "./voice.js";
import type { MessageMap, Told as Union, TokenContext, WaitOptions } from "./index.js";

// ---- Options ---------------------------------------------------------------------------------------------------------------------------------------

/** What a backend answers with that holds a key: itself, or in any of these members. */
export type Key =
  | string
  | { value: string; expires_at?: number }
  | { client_secret: string | { value: string; expires_at?: number }; expires_at?: number }
  | { token: string; expires_at?: number }
  | { ephemeral_key: string; expires_at?: number };

/** A function that the model may call. */
export interface Tool<Arguments = any> {
  /** What it does and when to call it, for the model. @default none: its name says it */
  description?: string;
  /** Its arguments, as a JSON schema. @default none */
  parameters?: Record<string, unknown>;
  /**
   * Runs it. What it returns is told to the model, as JSON unless it is text, and the model goes on; so is what it throws, which `error` tells as well, with code
   * `tool_failed`. The signal is aborted when the session is over, or after 60 s, when the model is told that there is no answer.
   */
  run(args: Arguments, context: { signal: AbortSignal; callId: string }): unknown;
}

/** What a session of OpenAI's is to be: `session` of `session.update`. */
export interface OpenAiSessionConfig {
  model?: string;
  instructions?: string;
  output_modalities?: ("audio" | "text")[];
  tools?: unknown[];
  tool_choice?: unknown;
  max_output_tokens?: number | "inf";
  audio?: {
    input?: {
      format?: { type: string; rate?: number };
      transcription?: { model?: string; language?: string; prompt?: string } | null;
      noise_reduction?: { type: "near_field" | "far_field" } | null;
      turn_detection?:
        | {
            type: "server_vad" | "semantic_vad";
            threshold?: number;
            prefix_padding_ms?: number;
            silence_duration_ms?: number;
            idle_timeout_ms?: number | null;
            eagerness?: "low" | "medium" | "high" | "auto";
            create_response?: boolean;
            interrupt_response?: boolean;
          }
        | null;
    };
    output?: { format?: { type: string; rate?: number }; voice?: string; speed?: number };
  };
  [member: string]: unknown;
}

/** The dialect `openai`: OpenAI Realtime, over WebRTC, or over a WebSocket where a backend offers one. */
export interface OpenAiDialect {
  /** Chooses this dialect. */
  name: "openai";
  /**
   * What the session is to be, or a function that finds it before each connect (12 s). It is sent first over each new link, and no sound goes up before OpenAI has
   * answered it; what was said meanwhile follows, two seconds of it at most. Later `session.update`s are kept and sent along.
   * @default none: sound goes up once there is a session
   */
  session?: OpenAiSessionConfig | ((context: { reconnect: boolean; signal: AbortSignal }) => OpenAiSessionConfig | Promise<OpenAiSessionConfig>);
  /**
   * Makes a session at your backend before each link that needs a new one, `token` being what the option `token` gave: resolves with what the exchange needs, such as
   * `{ id, token }`, or with the answer of `fetch` itself, whose status is then told with `error`. A key in it is shown to OpenAI; `wsUrl` and `endpoints` name addresses.
   * Has 12 s, together with `token` and `session`.
   * @default none: `token` gives the key
   */
  start?: (context: { token?: string; signal: AbortSignal }) => Promise<unknown>;
  /** Functions that the model may call, by name. They are declared in the session beside its own tools, called, and answered. @default none */
  tools?: Record<string, Tool>;
  /**
   * When to go over to a new session, since OpenAI ends each after an hour: after `after` milliseconds (± 3 %) at a moment in which nobody speaks and nothing is under way,
   * after `latest` at any. A session that says when it ends is left before that. `false`: never.
   * @default { after: 3300000, latest: 3480000 }
   */
  rollover?: false | { after?: number; latest?: number };
  /** How many of the last items of the conversation a new session is told, as text. @default 100 */
  history?: number;
  /** Shows the key as a WebSocket's subprotocol, as OpenAI wants it of browsers; a function names the subprotocols. @default false: the backend's WebSocket knows who asks */
  subprotocols?: boolean | ((key: string) => string[]);
}

/** How an offer becomes an answer, where its JSON holds what `start` found. */
export interface OpenAiSignaling extends Omit<JsonSignaling, "body"> {
  /** Further members of the JSON, or a function that makes them of what `start` found. @default none */
  body?: Record<string, unknown> | ((found: any) => Record<string, unknown>);
}

/** What `connect()` takes in the dialect `openai`. */
export interface OpenAiOptions extends Omit<Options, "dialect" | "token" | "webrtc" | "endpoints" | "transports" | "recover"> {
  /** Chooses this dialect: its name alone, or with its options. */
  dialect: "openai" | OpenAiDialect;
  /** `webrtc`: where offers go (OpenAI's own address, if no endpoint is named); `websocket`: your backend's relay. @default OpenAI's own, over `webrtc` */
  endpoints?: Pick<Endpoints, "webrtc" | "websocket">;
  /** Transports to use, most preferred first. @default those with an endpoint: `["webrtc", "websocket"]` */
  transports?: ("webrtc" | "websocket")[];
  /** Gives OpenAI's ephemeral key, in any shape that backends have, or your own bearer token where `start` finds the key. Asked before each connect. @default none: `start` or the endpoint knows the key */
  token?: (context: TokenContext) => Key | Promise<Key>;
  /** As elsewhere, but `signaling` is `"sdp"` and the channel's label `"oai-events"`. @default each member's own */
  webrtc?: Omit<WebRtcOptions, "signaling"> & { signaling?: WebRtcOptions["signaling"] | OpenAiSignaling };
  /** Sound over a WebSocket is 24 kHz whatever `rate` says. @default each member's own */
  audio?: AudioOptions;
}

// ---- What the session gives ------------------------------------------------------------------------------------------------------------------------

/** A message of the conversation. */
export interface ConversationMessage {
  /** OpenAI's id of the item. */
  id: string;
  /** Who said it. */
  who: "user" | "agent";
  /** What was said, as far as it is known. */
  text: string;
  /** `in_progress`: it is being said, or written down. `incomplete`: it was cut off, or could not be written down. */
  status: "in_progress" | "completed" | "incomplete";
}

/** A tool that the model called. */
export interface ToolCall {
  /** OpenAI's id of the item. */
  id: string;
  /** The tool's name. */
  name: string;
  /** Parsed, once it is JSON. */
  arguments: any;
  /** `in_progress`: the arguments are still coming, or the tool runs. */
  status: "in_progress" | "completed" | "incomplete";
  /** What the model was told. */
  output?: string;
}

/** The conversation as it stands. What has not changed is the same object. */
export interface ConversationView {
  /** In the conversation's order, whenever their text comes. What the user did not hear of a message is cut off it. */
  readonly messages: ConversationMessage[];
  /** The tools that the model called, in the conversation's order. */
  readonly calls: ToolCall[];
  /** What is being said, and what of the user is being written down; empty between. */
  readonly captions: { user: string; agent: string };
}

/** The conversation, and what tells of its changes. */
export interface Conversation extends ConversationView {
  /** Calls `listener` after each change, until what it returns is called. */
  on(name: "change", listener: (view: ConversationView) => void, options?: { signal?: AbortSignal }): () => void;
  /** Stops a listener, or all of them. */
  off(name: "change", listener?: (view: ConversationView) => void): void;
}

/** What a session in this dialect tells beside what every one does. */
export interface OpenAiSessionEvents {
  /** Another session of OpenAI's carries the conversation, before the last one ended; it was told so many items of it. */
  rollover: { items: number };
  /** After a lost link: a new session carries the conversation, and was told so many items of it. */
  recovered: { pending: []; restored: "history" | "none"; items: number };
}

/** Any of what befalls a session in this dialect, for one listener. */
export type OpenAiLifecycleEvent = Exclude<VoiceLifecycleEvent, { name: keyof OpenAiSessionEvents }> | Union<OpenAiSessionEvents>;

/** A session in the dialect `openai`. */
export interface OpenAiSession<Events extends MessageMap = {}, Commands extends MessageMap = {}>
  extends Omit<Session<OpenAiEvents & Events, OpenAiCommands & Commands>, "on" | "once" | "request" | "send"> {
  /** As in every session with voice; hears the events of `OpenAiSessionEvents`, too. */
  readonly on: Listening<OpenAiSessionEvents & { lifecycle: OpenAiLifecycleEvent }> & Listening<VoiceEvents> & Session<OpenAiEvents & Events, OpenAiCommands & Commands>["on"];
  /** Like `on`, for the next one only. */
  readonly once: Listening<OpenAiSessionEvents & { lifecycle: OpenAiLifecycleEvent }> & Listening<VoiceEvents> & Session<OpenAiEvents & Events, OpenAiCommands & Commands>["once"];
  /** What was said, and is being said. */
  readonly conversation: Conversation;
  /** As in every session; a `response.create` waits for the response under way, since OpenAI gives one at a time. `ttl` counts from the call. */
  send: Session<OpenAiEvents & Events, OpenAiCommands & Commands>["send"];
  /**
   * Sends a command and resolves with the event that answers it (`OpenAiAnswers`). Rejects with `server_error` where OpenAI refuses it, `request_failed` where its session
   * ends before, `unsupported` where nothing answers the command. A `response.done` says itself whether its response failed.
   */
  request<K extends keyof OpenAiAnswers>(type: K, payload?: (OpenAiCommands & Commands)[K], options?: WaitOptions): Promise<OpenAiEvents[OpenAiAnswers[K]]>;
}

type Listening<Events> = {
  <K extends keyof Events>(name: K, listener: (event: Events[K]) => void, options?: { signal?: AbortSignal }): () => void;
};

/** By command: the event that answers it. */
export interface OpenAiAnswers {
  "session.update": "session.updated";
  "response.create": "response.done";
  "response.cancel": "response.done";
  "conversation.item.create": "conversation.item.added";
  "conversation.item.retrieve": "conversation.item.retrieved";
  "conversation.item.delete": "conversation.item.deleted";
  "conversation.item.truncate": "conversation.item.truncated";
  "input_audio_buffer.commit": "input_audio_buffer.committed";
  "input_audio_buffer.clear": "input_audio_buffer.cleared";
  "output_audio_buffer.clear": "output_audio_buffer.cleared";
}

// ---- The wire --------------------------------------------------------------------------------------------------------------------------------------

/** A part of a message, as OpenAI has it. */
export type OpenAiContent =
  | { type: "input_text" | "output_text"; text: string }
  | { type: "input_audio" | "output_audio"; transcript?: string | null; audio?: string }
  | { type: "input_image"; image_url: string };

/** An item of the conversation, as OpenAI has it. */
export type OpenAiItem =
  | { id?: string; type: "message"; role: "user" | "assistant" | "system"; status?: "in_progress" | "completed" | "incomplete"; content: OpenAiContent[] }
  | { id?: string; type: "function_call"; status?: "in_progress" | "completed" | "incomplete"; call_id: string; name: string; arguments: string }
  | { id?: string; type: "function_call_output"; call_id: string; output: string };

/** A response, as OpenAI has it. */
export interface OpenAiResponse {
  id: string;
  status: "in_progress" | "completed" | "cancelled" | "failed" | "incomplete";
  status_details?: { type?: string; reason?: string; error?: { type?: string; code?: string; message?: string } } | null;
  output: OpenAiItem[];
  output_modalities?: ("audio" | "text")[];
  usage?: Record<string, unknown>;
  metadata?: Record<string, string> | null;
}

/** An error, as OpenAI reports it. */
export interface OpenAiError {
  type: string;
  code?: string | null;
  message: string;
  param?: string | null;
  /** The command's that it is about. */
  event_id?: string | null;
}

type Told<More = {}> = More & { type: string; event_id: string };
type OfItem<More = {}> = Told<More & { item_id: string }>;
type OfPart<More = {}> = OfItem<More & { response_id: string; output_index: number; content_index: number }>;

/** What OpenAI tells, in today's names whatever the server's. The event of the name `error` is the session's own; OpenAI's is heard as `message:error`. */
export interface OpenAiEvents {
  "session.created": Told<{ session: OpenAiSessionConfig & { id: string; expires_at?: number } }>;
  "session.updated": Told<{ session: OpenAiSessionConfig & { id: string; expires_at?: number } }>;
  "input_audio_buffer.speech_started": OfItem<{ audio_start_ms: number }>;
  "input_audio_buffer.speech_stopped": OfItem<{ audio_end_ms: number }>;
  "input_audio_buffer.committed": OfItem<{ previous_item_id: string | null }>;
  "input_audio_buffer.cleared": Told;
  "input_audio_buffer.timeout_triggered": OfItem<{ audio_start_ms: number; audio_end_ms: number }>;
  "conversation.item.added": Told<{ item: OpenAiItem & { id: string }; previous_item_id: string | null }>;
  "conversation.item.done": Told<{ item: OpenAiItem & { id: string }; previous_item_id: string | null }>;
  "conversation.item.retrieved": Told<{ item: OpenAiItem & { id: string } }>;
  "conversation.item.deleted": OfItem;
  "conversation.item.truncated": OfItem<{ content_index: number; audio_end_ms: number }>;
  "conversation.item.input_audio_transcription.delta": OfItem<{ content_index: number; delta: string }>;
  "conversation.item.input_audio_transcription.completed": OfItem<{ content_index: number; transcript: string; usage?: unknown }>;
  "conversation.item.input_audio_transcription.failed": OfItem<{ content_index: number; error: OpenAiError }>;
  "output_audio_buffer.started": Told<{ response_id: string }>;
  "output_audio_buffer.stopped": Told<{ response_id: string }>;
  "output_audio_buffer.cleared": Told<{ response_id: string }>;
  "response.created": Told<{ response: OpenAiResponse }>;
  "response.done": Told<{ response: OpenAiResponse }>;
  "response.output_item.added": Told<{ response_id: string; output_index: number; item: OpenAiItem & { id: string } }>;
  "response.output_item.done": Told<{ response_id: string; output_index: number; item: OpenAiItem & { id: string } }>;
  "response.content_part.added": OfPart<{ part: { type: string; text?: string; transcript?: string } }>;
  "response.content_part.done": OfPart<{ part: { type: string; text?: string; transcript?: string } }>;
  "response.output_text.delta": OfPart<{ delta: string }>;
  "response.output_text.done": OfPart<{ text: string }>;
  /** Sound in base64; over WebRTC it is on the track. */
  "response.output_audio.delta": OfPart<{ delta: string }>;
  "response.output_audio.done": OfPart;
  "response.output_audio_transcript.delta": OfPart<{ delta: string }>;
  "response.output_audio_transcript.done": OfPart<{ transcript: string }>;
  "response.function_call_arguments.delta": OfItem<{ response_id: string; output_index: number; call_id: string; delta: string }>;
  "response.function_call_arguments.done": OfItem<{ response_id: string; output_index: number; call_id: string; name?: string; arguments: string }>;
  "rate_limits.updated": Told<{ rate_limits: { name: string; limit: number; remaining: number; reset_seconds: number }[] }>;
}

type Asked<More = {}> = More & { event_id?: string };

/** What OpenAI is told. */
export interface OpenAiCommands {
  "session.update": Asked<{ session: OpenAiSessionConfig }>;
  "input_audio_buffer.append": Asked<{ audio: string }>;
  "input_audio_buffer.commit": Asked;
  "input_audio_buffer.clear": Asked;
  "output_audio_buffer.clear": Asked;
  "conversation.item.create": Asked<{ item: OpenAiItem; previous_item_id?: string | null }>;
  "conversation.item.retrieve": Asked<{ item_id: string }>;
  "conversation.item.delete": Asked<{ item_id: string }>;
  "conversation.item.truncate": Asked<{ item_id: string; content_index: number; audio_end_ms: number }>;
  "response.create": Asked<{ response?: Record<string, unknown> }>;
  "response.cancel": Asked<{ response_id?: string }>;
}

export {};
