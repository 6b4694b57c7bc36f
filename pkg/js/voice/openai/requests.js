// What answers what: OpenAI Realtime has no replies, but events that follow from others.

import { SessionError } from "../../error.js";

const UPDATE = "session.update";

const byItem = (asked, event) => (event.item?.id ?? event.item_id) === asked.item;

/** By what is asked: the type of the event that answers, and whether one is of this question, where that is not the first of its type. */
const ANSWERS = {
  [UPDATE]: { by: "session.updated" },
  "response.create": { by: "response.done", of: (asked, event) => asked.response !== undefined && event.response?.id === asked.response },
  "response.cancel": { by: "response.done", of: ({ response }, event) => response === undefined || event.response?.id === response },
  "conversation.item.create": { by: "conversation.item.added", of: byItem },
  "conversation.item.retrieve": { by: "conversation.item.retrieved", of: byItem },
  "conversation.item.delete": { by: "conversation.item.deleted", of: byItem },
  "conversation.item.truncate": { by: "conversation.item.truncated", of: byItem },
  "input_audio_buffer.commit": { by: "input_audio_buffer.committed" },
  "input_audio_buffer.clear": { by: "input_audio_buffer.cleared" },
  "output_audio_buffer.clear": { by: "output_audio_buffer.cleared" },
};

/** Questions that wait for their answers, oldest first. */
export class Requests {
  /**
   * With the link that each was written to. Updates of the session that nobody asked about are among them, as 0: they are answered all the same, each in its turn.
   * @type {{ id: number, event: string, type: string, item?: string, response?: string, link?: number }[]}
   */
  #asked = [];

  /** Whether somebody waits for an answer. */
  get waiting() {
    return this.#asked.some(({ id }) => id);
  }

  /** Notes a question by its number; returns it as it is to be sent. @param {number} id @param {string} type @param {any} payload */
  ask(id, type, payload) {
    const event_id = payload?.event_id ?? `throughline_${id}`;
    const item = payload?.item ? { ...payload.item, id: payload.item.id ?? nameOf() } : undefined;
    this.#asked.push({ id, event: event_id, type, item: item?.id ?? payload?.item_id, response: payload?.response_id });
    return { ...payload, event_id, ...(item ? { item } : {}) };
  }

  /** A command was written to a link. @param {{ type: string, event?: string, asked?: number }} body @param {number} link */
  written({ type, event = "", asked: id }, link) {
    const update = type === UPDATE ? { id: 0, event, type } : undefined;
    const asked = this.#asked.find((asked) => id && asked.id === id) ?? update;
    if (!asked) return;
    this.#drop(asked);
    this.#asked.push({ ...asked, link });
  }

  /** Nobody waits for it any more. */
  forget(id) {
    const asked = this.#asked.find((asked) => asked.id === id);
    if (asked?.type === UPDATE && asked.link !== undefined) asked.id = 0;
    else this.#drop(asked);
  }

  /** Returns the number of the question that an event on a link answers, if it does. @param {any} event @param {number} link @returns {number | undefined} */
  answeredBy(event, link) {
    if (event.type === "error") return this.#refusedAs(event.error?.event_id);
    if (event.type === "response.created") {
      const creating = this.#asked.find((asked) => asked.type === "response.create" && asked.link === link && asked.response === undefined);
      if (creating) creating.response = event.response?.id;
      return undefined;
    }
    const asked = this.#asked.find((asked) => {
      const { by, of = () => true } = ANSWERS[asked.type];
      return by === event.type && asked.link === link && of(asked, event);
    });
    return asked && this.#take(asked);
  }

  /** Gives up what went with a link: returns the numbers. @param {number} link @returns {number[]} */
  lost(link) {
    return this.#asked.filter((asked) => asked.link === link).map((asked) => this.#take(asked));
  }

  /** Returns the number of the question that an error is about. */
  #refusedAs(event) {
    const asked = this.#asked.find((asked) => asked.event === event);
    return asked && this.#take(asked);
  }

  #take(asked) {
    this.#drop(asked);
    return asked.id;
  }

  #drop(asked) {
    this.#asked = this.#asked.filter((other) => other !== asked);
  }
}

/** Refuses to ask what has no answer. @param {string} type */
export function checkAsked(type) {
  if (!Object.hasOwn(ANSWERS, type)) throw new SessionError("unsupported", { message: `nothing answers ${type}: send() it` });
}

/** A name for an item or another thing, to know it again. */
export const nameOf = (kind = "item") => kind + "_" + crypto.randomUUID().replaceAll("-", "").slice(0, 24);
