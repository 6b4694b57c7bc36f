// What events amount to: who said what, in which order, and which tools were called.

/** Bytes of base64 that are a millisecond of sound: PCM of 16 bits at 24 kHz. */
const PER_MS = 64;

/** Roles by who speaks; what has another role is no message of the conversation. */
const WHO = { user: "user", assistant: "agent" };

/** Who has which role. */
const ROLES = { user: "user", agent: "assistant", system: "system" };

/**
 * A message, a tool's call or its output.
 * @typedef {{
 *   id: string, kind: "message" | "call" | "output", who: string, parts: string[], status: string, placed: boolean,
 *   call: string, name: string, written: string, sound: number, cut: boolean, aloud: boolean, late: boolean,
 * }} Entry
 */

/** The items of a conversation, in its order. */
export class Transcript {
  /** @type {Entry[]} */
  #entries = [];
  /** What a session's first item follows: what was said in the one before. @type {Entry | null} */
  #root = null;
  /** Items that were told to the session by us. */
  #seeded = new Set();
  /** Whether what the user says is written down. */
  #transcribes = false;
  /** What is being said. @type {{ user?: Entry, agent?: Entry }} */
  #saying = {};

  /** Those that are messages. */
  get messages() {
    const shown = this.#entries.filter(({ kind, who }) => kind === "message" && who !== "system");
    return shown.map((entry) => ({ id: entry.id, who: entry.who, text: textOf(entry), status: entry.status }));
  }

  get calls() {
    return this.#entries.filter(({ kind }) => kind === "call").map(({ call, name, written, status }) => {
      const output = this.#entries.find((other) => other.kind === "output" && other.call === call)?.written;
      return { id: call, name, arguments: parsed(written), status, ...(output === undefined ? {} : { output }) };
    });
  }

  get captions() {
    const { user, agent } = this.#saying;
    return { user: user ? textOf(user) : "", agent: agent ? textOf(agent) : "" };
  }

  /** Takes what an event tells; returns whether it changes anything. @param {any} event in today's names */
  hear(event) {
    const { type, item_id: id, item } = event;
    if (typeof id === "string") return this.#hearOf(id, event);
    switch (type) {
      case "session.created":
      case "session.updated":
        this.#transcribes = !!event.session?.audio?.input?.transcription;
        return false;
      case "conversation.item.added":
      case "conversation.item.done":
        return !this.#seeded.has(item?.id) && this.#item(item, event.previous_item_id);
      case "response.output_item.added":
      case "response.output_item.done":
        return this.#item(item);
      case "response.done":
        return this.#finished(event.response ?? {});
      case "output_audio_buffer.stopped":
      case "output_audio_buffer.cleared":
        return this.quiet();
      default:
        return false;
    }
  }

  /** Takes what an event tells of one item. */
  #hearOf(id, event) {
    const { type, content_index: index = 0, delta } = event;
    switch (type) {
      case "input_audio_buffer.committed":
        return this.#place(this.#message(id, "user"), event.previous_item_id);
      case "conversation.item.input_audio_transcription.delta":
        return this.#write("user", id, index, delta, "delta");
      case "conversation.item.input_audio_transcription.completed":
        return this.#transcribed(id, "completed", index, event.transcript);
      case "conversation.item.input_audio_transcription.failed":
        return this.#transcribed(id, "incomplete");
      case "response.output_audio.delta":
        this.#message(id, "agent").sound += (delta?.length ?? 0) / PER_MS;
        return false;
      case "response.output_audio_transcript.delta":
        this.#message(id, "agent").aloud = true;
        return this.#write("agent", id, index, delta, "delta");
      case "response.output_text.delta":
        return this.#write("agent", id, index, delta, "delta");
      case "response.output_audio_transcript.done":
        return this.#write("agent", id, index, event.transcript, "whole");
      case "response.output_text.done":
        return this.#write("agent", id, index, event.text, "whole");
      case "response.function_call_arguments.delta":
      case "response.function_call_arguments.done":
        return this.#argue(id, event);
      case "conversation.item.truncated":
        return this.#truncate(id, event.audio_end_ms);
      case "conversation.item.deleted":
        return this.#delete(id);
      default:
        return false;
    }
  }

  /** The agent is no longer heard. */
  quiet() {
    return this.#said("agent");
  }

  /** The session ended: nothing more comes of what is being said. */
  lost() {
    for (const entry of this.#entries) if (entry.status === "in_progress") entry.status = "incomplete";
    this.#saying = {};
  }

  /** Begins another session after what was said: returns the events that tell it, of the last so many items. @param {number} most */
  seeds(most) {
    this.#root = this.#entries.at(-1) ?? null;
    this.#seeded.clear();
    return this.unseeded(most);
  }

  /** Events that tell the session what it does not know yet. @param {number} most */
  unseeded(most) {
    const told = most ? this.#entries.slice(-most).filter(({ id }) => !this.#seeded.has(id)) : [];
    const calls = told.filter(({ kind }) => kind === "call").map(({ call }) => call);
    const events = told.filter(({ kind, call }) => kind !== "output" || calls.includes(call)).flatMap((entry) => seedOf(entry) ?? []);
    for (const { item } of events) this.#seeded.add(item.id);
    return events;
  }

  /** @returns {Entry} */
  #entry(id, kind, more) {
    const known = this.#entries.find((entry) => entry.id === id);
    if (known) return known;
    const entry = {
      id, kind, who: "", parts: [], status: "in_progress", placed: false, call: "", name: "", written: "", sound: 0, cut: false, aloud: false,
      late: false, ...more,
    };
    this.#entries.push(entry);
    return entry;
  }

  #message(id, who) {
    return this.#entry(id, "message", { who, late: who === "user" && this.#transcribes });
  }

  /** Moves an entry to where it belongs, which is said once. */
  #place(entry, previous) {
    if (previous === undefined || entry.placed) return true;
    const after = previous === null ? this.#root : this.#entries.find(({ id }) => id === previous);
    if (after === entry || after === undefined) return true;
    entry.placed = true;
    const rest = this.#entries.filter((other) => other !== entry);
    rest.splice(after === null ? 0 : rest.indexOf(after) + 1, 0, entry);
    this.#entries = rest;
    return true;
  }

  #item(item, previous) {
    if (typeof item?.id !== "string") return false;
    switch (item.type) {
      case "message":
        return this.#place(this.#told(item), previous);
      case "function_call": {
        const entry = this.#entry(item.id, "call", { call: item.call_id, name: item.name });
        if (item.arguments) entry.written = item.arguments;
        if (entry.status === "in_progress") entry.status = item.status ?? "completed";
        return this.#place(entry, previous);
      }
      case "function_call_output":
        return this.#place(this.#entry(item.id, "output", { call: item.call_id, written: item.output, status: "completed" }), previous);
      default:
        return false;
    }
  }

  #told(item) {
    const entry = this.#message(item.id, WHO[item.role] ?? "system");
    const content = Array.isArray(item.content) ? item.content : [];
    for (const [index, part] of content.entries()) {
      const text = part?.transcript ?? part?.text;
      if (text && !entry.cut) entry.parts[index] = text;
    }
    // What is to be written down of what was said comes later.
    entry.late &&= !content.some((part) => part?.type !== "input_audio" || part.transcript);
    if (entry.status !== "incomplete") entry.status = entry.late ? "in_progress" : item.status ?? "completed";
    if (entry.status !== "in_progress" && !entry.aloud) this.#said(entry.who, entry);
    return entry;
  }

  #finished({ status, output }) {
    let changed = false;
    for (const item of Array.isArray(output) ? output : []) {
      changed = this.#item(item) || changed;
      const entry = this.#entries.find(({ id }) => id === item?.id);
      if (entry?.status === "in_progress") entry.status = status === "completed" ? "completed" : "incomplete";
    }
    return changed;
  }

  #write(who, id, index, text, how) {
    if (typeof text !== "string" || !Number.isInteger(index) || index < 0 || index > 99) return false;
    const entry = this.#message(id, who);
    if (entry.cut) return false;
    entry.parts[index] = how === "delta" ? (entry.parts[index] ?? "") + text : text;
    if (how === "delta") this.#saying[who] = entry;
    return true;
  }

  #transcribed(id, status, index, text) {
    this.#write("user", id, index, text, "whole");
    const entry = this.#message(id, "user");
    entry.late = false;
    entry.status = status;
    this.#said("user", entry);
    return true;
  }

  /** Nobody says it any more. */
  #said(who, entry = this.#saying[who]) {
    if (!entry || this.#saying[who] !== entry) return false;
    this.#saying[who] = undefined;
    return true;
  }

  #argue(id, { call_id: call, name = "", delta, arguments: whole }) {
    const entry = this.#entry(id, "call", { call, name });
    entry.written = typeof whole === "string" ? whole : entry.written + (delta ?? "");
    if (name) entry.name = name;
    return true;
  }

  /** What was said after that was not heard. Where the whole is known in time, so is where its text ends, nearly. */
  #truncate(id, ms) {
    const entry = this.#entries.find((entry) => entry.id === id);
    if (!entry) return false;
    entry.status = "incomplete";
    if (ms < entry.sound) {
      const text = textOf(entry);
      const end = Math.floor((text.length * ms) / entry.sound);
      const at = text[end] === " " ? end : text.lastIndexOf(" ", end);
      entry.parts = [text.slice(0, Math.max(0, at)).trimEnd()];
      entry.cut = true;
    }
    return true;
  }

  #delete(id) {
    const before = this.#entries.length;
    this.#entries = this.#entries.filter((entry) => entry.id !== id);
    for (const who of ["user", "agent"]) if (this.#saying[who]?.id === id) this.#saying[who] = undefined;
    if (this.#root?.id === id) this.#root = this.#entries.at(-1) ?? null;
    return this.#entries.length < before;
  }
}

const textOf = ({ parts }) => parts.join("");

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The event that tells a session of an item; nothing where there is nothing to tell. */
function seedOf(entry) {
  const { id, kind, who, call: call_id, name, written, status } = entry;
  const text = textOf(entry);
  if (status === "in_progress") return undefined;
  const create = (item) => ({ type: "conversation.item.create", item: { id, ...item } });
  if (kind === "output") return create({ type: "function_call_output", call_id, output: written });
  if (kind === "call") return status === "completed" ? create({ type: "function_call", call_id, name, arguments: written }) : undefined;
  return text ? create({ type: "message", role: ROLES[who], content: [{ type: who === "agent" ? "output_text" : "input_text", text }] }) : undefined;
}
