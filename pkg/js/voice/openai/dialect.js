// The dialect `openai`: OpenAI Realtime, over a peer connection or a WebSocket (docs/openai.md). A link is a session of OpenAI's own, which knows nothing of the one
// before: what it is to know is told to it.

import { FRAMES, READY } from "../../core.js";
import { SessionError, statusError } from "../../error.js";
import { Json } from "../../json.js";
import { redact } from "../redact.js";
import { Conversation } from "./conversation.js";
import { keyOf } from "./keys.js";
import { today } from "./names.js";
import { Requests, checkAsked, nameOf } from "./requests.js";
import { Rollover } from "./rollover.js";
import { Tools } from "./tools.js";
import { Transcript } from "./transcript.js";
import { Turns } from "./turns.js";
import { LATE, OpenAiWording } from "./wording.js";

/** Items that another session is told at the most, unless `history` says otherwise. */
const HISTORY = 100;

/** Commands that a refusal is told of by name, with what begins that. */
const NAMED = new Map([["session.update", "update"], ["response.create", "response"]]);

/** Bytes around what is written. */
const FRAMING = 16;

/** Statuses of `start` with which trying again has no sense. */
const FINAL = [400, 403, 404, 405, 410, 422];

/**
 * One link's session: whether sound may go up, its responses under way, when it ends by the wall clock, how many items of the conversation it was told.
 * @typedef {{ sound: "gated" | "open", responses: Set<string>, ends: number, told: number }} Call
 */

export class OpenAi extends Json {
  /** Lets sound go up, or not. @type {((open: boolean) => void) | undefined} */
  gate;
  /** What the application sees of what was said. */
  conversation;
  /** What `start` resolved with. @type {any} */
  made;
  /** Whether the server says who speaks. */
  hears = true;
  /** Whether it ends its own answer when the user speaks. */
  yields = true;
  #host;
  #options;
  /** @type {any} */
  #audio;
  #transcript = new Transcript();
  #changed = () => {};
  #requests = new Requests();
  #tools;
  #turns = new Turns(() => this.responding, () => this.#look());
  #rollover;
  #wording = new OpenAiWording(this);
  /** Sessions by attempt. @type {Map<number, Call>} */
  #calls = new Map();
  /** The attempt that carries the conversation; below 0 none has yet. */
  #live = -1;
  /** What became of the last link. @type {"carries" | "lost" | "left"} */
  #fate = "carries";
  /** What is known of what `start` found. @type {"none" | "fresh" | "used"} */
  #stock = "none";
  #until = Infinity;
  /** What the session is asked to be, and what of that was changed since. @type {any} */
  #session;
  #changes;
  #user = false;

  /** @param {import("../host.js").VoiceHost} host @param {any} options */
  constructor(host, options) {
    // Each round of attempts is prepared.
    super({ name: "json", ready: "session.created", hello: () => {} });
    Object.defineProperty(this.options, "protocols", { get: () => this.#protocols });
    const { tools = {}, rollover } = options;
    this.#host = host;
    this.#options = options;
    this.conversation = new Conversation(this.#transcript, (changed) => (this.#changed = changed));
    this.#tools = new Tools(tools, {
      answer: (call, output) => this.#answer(call, output),
      goOn: () => this.#say("response.create", this.#noted("response.create")),
      trouble: (error) => host.trouble(error),
      busy: () => this.#turns.taken,
    });
    this.#rollover = new Rollover(rollover, { quiet: () => this.#quiet, move: () => this.#move() });
    const { listeners } = host;
    listeners.add("transport", ({ to }) => to === null && this.#lost(), false);
    // The core tells it when it takes a link.
    listeners.add("rtt", () => this.#taken(), false);
  }

  /** Whether a response is under way. */
  get responding() {
    return !!this.#calls.get(this.#live)?.responses.size;
  }

  /** Whether the server ends its answer by itself now. */
  get interrupts() {
    return this.#user && this.yields;
  }

  /** What OpenAI is shown: the key that `start` found, else the token. */
  get secret() {
    return keyOf(this.made).key ?? this.#host.token;
  }

  /** How sound is written and read. */
  wording() {
    return this.#wording;
  }

  encode(type, payload, more) {
    const noted = this.#noted(type, payload);
    return { ...super.encode(type, noted, more), ...marks(noted) };
  }

  textOf(body, attempt) {
    this.#requests.written(body, attempt);
    return body.raw;
  }

  /** Sends a command when it may go: one for a response waits for the response under way. A response that belongs to no conversation waits for none.
   * @param {any} body @param {any} options @param {(options: any) => Promise<void>} send */
  inTurn({ type, apart, event }, options, send) {
    return type === "response.create" && !apart ? this.#turns.take(event, options, send) : send(options);
  }

  /** Sends a question and resolves with the event that answers it. */
  async request(type, payload, options) {
    checkAsked(type);
    const whole = this.#noted(type, payload);
    let asked;
    const encode = (id) => {
      asked = id;
      const body = { ...this.#write(type, this.#requests.ask(id, type, whole)), asked: id };
      return { body, bytes: body.raw.length + FRAMING };
    };
    try {
      return await this.#host.request(encode, options);
    } catch (cause) {
      throw cause instanceof SessionError ? cause : new SessionError("unserialisable", { cause });
    } finally {
      this.#requests.forget(asked);
    }
  }

  /** Does what goes before a round of attempts. */
  async prepare(host) {
    const { start, session } = this.#options;
    const round = this.round(host);
    if (start && (this.#stock !== "fresh" || Date.now() > this.#until)) await this.#start(start, round);
    const ask = (signal) => session({ signal, reconnect: this.#live >= 0 });
    this.#session = typeof session === "function" ? await round.call(ask, "session") : session;
  }

  /** What `start` found was refused. */
  spend() {
    this.#stock = "used";
  }

  /** A link is open: what its session is to be, and what was said before, goes first. */
  opening(attempt) {
    this.#stock = this.#stock === "fresh" ? "used" : this.#stock;
    const update = this.#update();
    const seeds = this.#live < 0 ? [] : this.#transcript.seeds(this.#most);
    this.#calls.set(attempt, { sound: "gated", responses: new Set(), ends: Infinity, told: seeds.length });
    this.greeting = [...(update ? [update] : []), ...seeds].map((event) => this.#write(event.type, event));
  }

  receive(host, attempt, data) {
    /** @type {any} */
    let event;
    try {
      event = today(JSON.parse(data));
    } catch {}
    if (typeof event?.type !== "string") return host.badMessage(data);
    const call = this.#calls.get(attempt);
    if (call) this.#note(call, event);
    if (event.type === "session.created") host.tell(READY, attempt);
    // What greeted a link may be answered before that is taken.
    const asked = this.#requests.answeredBy(event, attempt);
    if (!host.accept(attempt, 0)) return;
    if (attempt === this.#live || this.#live < 0) this.#hear(event);
    if (event.type === "session.created" && attempt === this.#live) this.#clock();
    if (event.type === "error" && !this.#refused(event.error ?? {}, asked)) return;
    if (this.#transcript.hear(event)) this.#changed();
    this.#tools.hear(event);
    if (asked && host.reply(asked, true, event)) host.listeners.message(event.type, event);
    else host.message(event.type, event);
    if (event.type === "session.updated") this.#let();
    this.#turns.hear(event);
    this.#look();
  }

  /** The session is over. */
  end() {
    this.#rollover.end();
    this.#tools.end();
    this.#calls.clear();
    this.#turns.end();
    this.abandon();
    this.gate?.(false);
  }

  /** Tells what is heard of the agent. @param {any} audio */
  listen(audio) {
    this.#audio = audio;
    audio.on("speaking", ({ who, speaking }) => who === "agent" && !speaking && this.#silent());
  }

  get #most() {
    return this.#options.history ?? HISTORY;
  }

  get #quiet() {
    return !this.#user && !this.#audio?.isAgentSpeaking && !this.#turns.taken && !this.#tools.busy && !this.#requests.waiting;
  }

  /** The session may have fallen silent. */
  #look() {
    this.#tools.look();
    this.#rollover.look();
  }

  /** The agent is heard no more. */
  #silent() {
    if (this.#transcript.quiet()) this.#changed();
    this.#rollover.look();
  }

  /** What is answered in its turn has a name. What the application changes is so in the next session, too; its type is what OpenAI wants to be told each time. */
  #noted(type, payload) {
    const kind = NAMED.get(type);
    if (!kind) return payload;
    const named = { ...payload, event_id: payload?.event_id ?? nameOf(kind) };
    if (kind !== "update") return named;
    if (!payload?.session) return named;
    this.#changes = merged(this.#changes, payload.session);
    return { ...named, session: { type: "realtime", ...payload.session } };
  }

  /** What a WebSocket asks for, where the key goes along like this: headers it has none, and addresses are no place for it. */
  get #protocols() {
    const { subprotocols } = this.#options;
    const key = this.secret;
    if (!subprotocols || !key) return undefined;
    return subprotocols === true ? ["realtime", "openai-insecure-api-key." + key] : subprotocols(key);
  }

  #write(type, payload) {
    return { type, raw: JSON.stringify({ ...payload, type }), ...marks(payload) };
  }

  /** The event that says what the session is to be, if anything is said. */
  #update() {
    const { declared } = this.#tools;
    const session = merged(this.#session, this.#changes);
    if (!session && !declared.length) return undefined;
    const tools = [...(session?.tools ?? []), ...declared];
    return { type: "session.update", event_id: nameOf("update"), session: { type: "realtime", ...session, ...(tools.length ? { tools } : {}) } };
  }

  async #start(start, { call, superseded }) {
    const host = this.#host;
    const ask = () => call((signal) => start({ signal, token: host.token }), "start");
    try {
      const made = await answerOf(ask, host);
      superseded.throwIfAborted();
      this.made = made;
    } catch (/** @type {any} */ error) {
      superseded.throwIfAborted();
      const final = error instanceof SessionError && FINAL.includes(/** @type {any} */ (error).status);
      if (final && host.state !== "connected") host.fail(Object.assign(error, { terminal: true }));
      throw error;
    }
    const { wsUrl, endpoints, sessionId, id = sessionId } = this.made ?? {};
    this.#stock = "fresh";
    this.#until = keyOf(this.made).until;
    this.id = id;
    this.found = { ...(wsUrl === undefined ? {} : { websocket: wsUrl }), ...endpoints };
  }

  /** Notes what an event says of its session. @param {Call} call */
  #note(call, { type, session, response }) {
    if (type === "session.created") call.ends = session?.expires_at > 0 ? session.expires_at * 1_000 : Infinity;
    if (type === "session.updated" || (type === "session.created" && !this.#update())) call.sound = "open";
    if (type === "response.created") call.responses.add(response?.id);
    if (type === "response.done") call.responses.delete(response?.id);
  }

  /** Notes who speaks, and what the server does about it. */
  #hear({ type, session, response }) {
    if (type === "input_audio_buffer.speech_started") this.#user = true;
    if (type === "input_audio_buffer.speech_stopped") this.#user = false;
    if (type === "session.created" || type === "session.updated") {
      const turns = session?.audio?.input?.turn_detection;
      this.hears = turns !== null;
      this.yields = turns?.interrupt_response !== false;
    }
    if (type === "response.done" && response?.status === "failed") this.#failed(response.status_details?.error ?? {});
  }

  /** An error was told; returns whether the application is to hear of it. */
  #refused({ event_id, code, ...rest }, asked = 0) {
    if (event_id === LATE && code === "response_cancel_not_active") return false;
    if (code === "session_expired") this.#move();
    else this.#host.refusal(asked, { ...rest, code, event_id }, { message: "message", code: "code" });
    return true;
  }

  #failed(error) {
    const { message = "a response failed", code } = error;
    this.#host.trouble(new SessionError("server_error", { message, reason: code, details: error }));
  }

  /** Lets sound go up where the session that carries it is as asked for. */
  #let() {
    this.gate?.(this.#calls.get(this.#live)?.sound === "open");
  }

  /** A link may have been taken. */
  #taken() {
    const host = this.#host;
    const attempt = host.carrier;
    const link = host.links.get(attempt);
    if (attempt === this.#live || !link) return;
    const call = this.#calls.get(attempt);
    const [first, fate] = [this.#live < 0, this.#fate];
    this.#live = attempt;
    this.#fate = "carries";
    // A better one may still be on its way.
    for (const other of this.#calls.keys()) if (!host.links.has(other)) this.#leave(other);
    if (!first && fate !== "lost") this.#over();
    // What was said while the session moved.
    const late = first ? [] : this.#transcript.unseeded(this.#most);
    if (late.length) link.send(late.map((event) => this.#write(event.type, event)), true);
    this.#let();
    host.owner = link;
    host.moved?.();
    this.#clock();
    this.#tools.look();
    if (first) return;
    const items = (call?.told ?? 0) + late.length;
    if (fate === "lost") host.listeners.emit("recovered", { pending: [], restored: items ? "history" : "none", items });
    else host.listeners.emit("rollover", { items });
  }

  /** The link is gone, and the session with it. */
  #lost() {
    if (this.#live < 0) return;
    this.#fate = "lost";
    this.#rollover.end();
    this.#leave(this.#live);
    this.#let();
    this.#over();
  }

  /** What was asked of a session is answered no more. */
  #leave(attempt) {
    this.#calls.delete(attempt);
    for (const id of this.#requests.lost(attempt)) this.#host.reply(id, false, { message: "the session ended before the answer" });
  }

  /** A session is over, and what was under way in it. */
  #over() {
    this.#user = false;
    this.#turns.lost();
    this.#wording.lost();
    this.#transcript.lost();
    this.#changed();
  }

  #clock() {
    const { ends = Infinity } = this.#calls.get(this.#live) ?? {};
    this.#rollover.begin(ends - Date.now());
  }

  /** Goes over to another session; the core opens its link beside this one. */
  #move() {
    if (this.#fate !== "carries") return;
    this.#fate = "left";
    this.#rollover.end();
    this.#host.tell(FRAMES.goaway, this.#live, 0);
  }

  #answer(call, output) {
    const item = { id: nameOf(), type: "function_call_output", call_id: call, output };
    const told = () => this.#transcript.hear({ type: "conversation.item.added", item }) && this.#changed();
    this.#say("conversation.item.create", { item }).then(told, () => {});
  }

  #say(type, payload) {
    const body = this.#write(type, payload);
    const sent = this.#host.send(body, body.raw.length + FRAMING, 0);
    sent.catch(() => {});
    return sent;
  }
}

/** What `start` found; where that is an answer of a server's, what it holds. A token that was refused is asked for once more. */
async function answerOf(ask, host) {
  let found = await ask();
  if (!(found instanceof Response)) return found;
  if (found.status === 401 && host.options.token) {
    await host.refreshToken(1);
    found = await ask();
  }
  const told = await found.text();
  if (!found.ok) throw statusError(found.status, redact(told, host.token));
  return JSON.parse(told);
}

/** What is to be known of a command once it is written: its name, and whether the response it asks for belongs to no conversation. */
function marks(payload) {
  return { event: payload?.event_id, apart: payload?.response?.conversation === "none" };
}

/** One object over another, member by member. */
function merged(below, above) {
  if (above === undefined) return below;
  const plain = (value) => value?.constructor === Object;
  if (!plain(below) || !plain(above)) return above;
  const all = { ...below };
  for (const [name, value] of Object.entries(above)) all[name] = merged(below[name], value);
  return all;
}
