// The microphone's sound as messages: a queue in front of the session's outbox, which gives way where the outbox would not.

/** Milliseconds of sound that wait at the most; then the oldest goes. */
const MOST_WAITING = 2_000;
/** Milliseconds of one message at the most. */
const MOST_AT_ONCE = 500;
/** Milliseconds of sound on their way over a two-way link. A split link has one POST at a time, and what waits for it is merged. */
const MOST_FLYING = 500;
/** Milliseconds of loss told at once. */
const LOSS_TOLD = 500;

export class Uplink {
  #send;
  #wording;
  #on;
  /** Chunks of samples, and messages between them as functions. @type {(Int16Array | (() => void))[]} */
  #queue = [];
  #waiting = 0;
  #flying = 0;
  #streams = 0;
  /** The stream that is open. @type {number | undefined} */
  #stream;
  /** Milliseconds that were dropped: since the last event, and since the last message. */
  #lost = [0, 0];
  /** @type {import("../../types/index.js").Transport | null} */
  #transport = null;
  /** Whether sound may go up. */
  #open = true;
  /** Whether the server takes none over this link. */
  #refused = false;

  /** @param {(type: string, payload: unknown) => Promise<void>} send @param {import("./wording.js").Wording} wording @param {any} on hears of `dropped`, `arrived` and `refused` */
  constructor(send, wording, on) {
    this.#send = send;
    this.#wording = wording;
    this.#on = on;
  }

  /** What carries the session, if anything. */
  carriedBy(transport) {
    this.#transport = transport;
    this.#refused = false;
    this.#pump();
  }

  /** Whether sound may go up; until then it waits as it does without a link. */
  gate(open) {
    this.#open = open;
    this.#pump();
  }

  /** Opens a stream; with `rtp` its sound goes another way. */
  begin(rtp) {
    this.end();
    const stream = (this.#stream = ++this.#streams);
    this.#say(this.#wording.opening(stream, rtp));
  }

  end() {
    if (this.#stream === undefined) return;
    const stream = this.#stream;
    this.#stream = undefined;
    this.#say(this.#wording.closing(stream));
  }

  /** Takes samples of the open stream. */
  push(samples) {
    if (this.#stream === undefined || this.#refused) return;
    this.#queue.push(samples);
    this.#waiting += samples.length;
    while (this.#ms(this.#waiting) > MOST_WAITING) this.#drop();
    this.#pump();
  }

  #ms(samples) {
    return (samples * 1000) / this.#wording.rate;
  }

  #drop() {
    const oldest = this.#queue.findIndex((item) => typeof item !== "function");
    const [samples] = /** @type {Int16Array[]} */ (this.#queue.splice(oldest, 1));
    this.#waiting -= samples.length;
    this.#lost = this.#lost.map((ms) => ms + this.#ms(samples.length));
    if (this.#lost[0] >= LOSS_TOLD) this.#tellLoss();
  }

  #tellLoss() {
    if (this.#lost[0]) this.#on.dropped({ ms: Math.round(this.#lost[0]) });
    this.#lost[0] = 0;
  }

  /** Says something in its place between the sound. */
  #say(messages) {
    for (const [type, payload] of messages) this.#queue.push(() => this.#send(type, payload).catch(() => {}));
    this.#pump();
  }

  #pump() {
    while (this.#transport && this.#open && this.#queue.length) {
      const [next] = this.#queue;
      if (typeof next === "function") {
        this.#queue.shift();
        next();
        continue;
      }
      const split = this.#transport === "sse" || this.#transport === "long-poll";
      const room = split ? (this.#flying ? 0 : MOST_AT_ONCE) : Math.min(MOST_AT_ONCE, MOST_FLYING - this.#ms(this.#flying));
      const samples = this.#merge(room);
      if (!samples) return;
      this.#fly(samples);
    }
  }

  /** Takes what fits off the queue's front. */
  #merge(room) {
    const chunks = [];
    let length = 0;
    for (let item; (item = this.#queue[0]) && typeof item !== "function" && this.#ms(length + item.length) <= room; this.#queue.shift()) {
      chunks.push(item);
      length += item.length;
    }
    if (!length) return undefined;
    const samples = new Int16Array(length);
    let at = 0;
    for (const chunk of chunks) {
      samples.set(chunk, at);
      at += chunk.length;
    }
    this.#waiting -= length;
    return samples;
  }

  #fly(samples) {
    const told = this.#lost[1] ? this.#wording.dropped(this.#stream ?? this.#streams, Math.round(this.#lost[1])) : [];
    for (const [type, payload] of told) this.#send(type, payload).catch(() => {});
    this.#tellLoss();
    this.#lost[1] = 0;
    const { length } = samples;
    this.#flying += length;
    const [type, payload] = this.#wording.chunk(new Uint8Array(samples.buffer));
    const landed = () => {
      this.#flying -= length;
      this.#pump();
    };
    this.#send(type, payload).then(() => (this.#on.arrived(), landed()), (error) => (this.#failed(error), landed()));
  }

  /** A server that takes no sound there would refuse the next as well. */
  #failed(error) {
    if (error?.code !== "not_found" || this.#refused) return;
    this.#refused = true;
    this.#queue = this.#queue.filter((item) => typeof item === "function");
    this.#waiting = 0;
    this.#on.refused(error);
  }
}
