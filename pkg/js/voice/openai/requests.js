// What answers what: OpenAI Realtime has no replies, but events that follow from others.

import { SessionError } from "../../error.js";

const byItem = (asked, event) => (event.item?.id ?? event.item_id) === asked.item;

/** By what is asked: the type of the event that answers, and whether one is of this question, where that is not the first of its type. */
const ANSWERS = {
  "session.update": { by: "session.updated" },
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
  /** @type {{ id: number, event: string, type: string, item?: string, response?: string, state: "waiting" | "sent" }[]} */
  #asked = [];

  get waiting() {
    return this.#asked.length > 0;
  }

  /** Notes a question by its number; returns it as it is to be sent. @param {number} id @param {string} type @param {any} payload */
  ask(id, type, payload) {
    const event_id = payload?.event_id ?? `throughline_${id}`;
    const item = payload?.item ? { ...payload.item, id: payload.item.id ?? nameOf() } : undefined;
    this.#asked.push({ id, event: event_id, type, item: item?.id ?? payload?.item_id, response: payload?.response_id, state: "waiting" });
    return { ...payload, event_id, ...(item ? { item } : {}) };
  }

  /** It was written to a link. */
  sent(id) {
    const asked = this.#asked.find((asked) => asked.id === id);
    if (asked) asked.state = "sent";
  }

  /** Nobody waits for it any more. */
  forget(id) {
    this.#asked = this.#asked.filter((asked) => asked.id !== id);
  }

  /** Returns the number of the question that an event answers, if it does. @param {any} event @returns {number | undefined} */
  answeredBy(event) {
    if (event.type === "response.created") {
      const creating = this.#asked.find(({ type, state, response }) => type === "response.create" && state === "sent" && response === undefined);
      if (creating) creating.response = event.response?.id;
      return undefined;
    }
    const asked = this.#asked.find((asked) => {
      const { by, of = () => true } = ANSWERS[asked.type];
      return by === event.type && asked.state === "sent" && of(asked, event);
    });
    return asked && this.#take(asked);
  }

  /** Returns the number of the question that an error is about, by its `event_id`. @param {unknown} event @returns {number | undefined} */
  refusedAs(event) {
    const asked = this.#asked.find((asked) => asked.event === event);
    return asked && this.#take(asked);
  }

  /** Gives up what went with the link: returns the numbers. @returns {number[]} */
  lost() {
    return this.#asked.filter(({ state }) => state === "sent").map((asked) => this.#take(asked));
  }

  #take(asked) {
    this.forget(asked.id);
    return asked.id;
  }
}

/** Refuses to ask what has no answer. @param {string} type */
export function checkAsked(type) {
  if (!Object.hasOwn(ANSWERS, type)) throw new SessionError("unsupported", { message: `nothing answers ${type}: send() it` });
}

/** A name for an item, to know it again. */
export const nameOf = () => "item_" + crypto.randomUUID().replaceAll("-", "").slice(0, 24);
