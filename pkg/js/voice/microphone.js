// The microphone: one flow that owns the stream, whatever asks for it, takes it away or breaks it.

import { SessionError } from "../error.js";

/** What the watch says: src/audio/watch.rs. */
const [SILENT, HEARD] = [1, 2];

/**
 * Where it stands: off; asking the browser, where `old` goes on until the new stream is there and `waiting` are those who want to know; or on.
 * @typedef {{ is: "off" }} Off
 * @typedef {{ is: "asking", stream: any, device: string, old: any, why: "wanted" | "broken" | "silent", waiting: any[] }} Asking
 * @typedef {{ is: "on", stream: any, device: string }} On
 */

/** @type {Off} */
const OFF = { is: "off" };

/** The microphone of a session. */
export class Microphone {
  #devices;
  #watchOf;
  #watch;
  #on;
  /** @type {Off | Asking | On} */
  #state = OFF;

  /**
   * Makes one that is off. `on` hears of `state`, `stream` and `lost`.
   * @param {{ ask(device: string): any, single: boolean }} devices @param {() => any} watchOf makes a watch of what hears from now on @param {any} on
   */
  constructor(devices, watchOf, on) {
    this.#devices = devices;
    this.#watchOf = watchOf;
    this.#watch = watchOf();
    this.#on = on;
  }

  /** Turns it on: resolves once sound comes in, rejects with why it cannot, or with `aborted` once it was stopped. @returns {Promise<void>} */
  start(device) {
    return new Promise((resolve, reject) => this.#start(device, { resolve, reject }));
  }

  /** Goes over to another device; the one before stays if that one cannot be had. @returns {Promise<void>} */
  async switch(device) {
    if (this.#state.is === "off") return;
    await new Promise((resolve, reject) => this.#want(device, { resolve, reject }));
  }

  /** Turns it off: a stream that comes later is stopped at once. */
  stop() {
    const state = this.#state;
    this.#state = OFF;
    if (state.is !== "off") state.stream.release();
    if (state.is === "asking") {
      state.old?.release();
      for (const { reject } of state.waiting) reject(new SessionError("aborted"));
    }
    this.#on.state("off");
  }

  /** Gives back what it has of the core, once it is stopped for good. */
  free() {
    this.#watch.free();
  }

  /** The track has ended, or its device is gone. */
  ended() {
    // What is being replaced has nothing more to say.
    if (this.#state.is !== "on") return;
    this.#state.stream.release();
    this.#ask("", undefined, "broken", []);
    this.#on.state("asking");
  }

  /** A frame's level came at `now`; below 0, time passed. A microphone that is muted is not to be called silent: its level is 1. */
  heard(level, now) {
    const state = this.#state;
    if (state.is === "off") return;
    const change = this.#watch.turn(level, now);
    if (change === SILENT && state.is === "on") {
      this.#ask(state.device, state.stream, "silent", []);
      this.#on.state("silent");
    }
    if (change === HEARD && (state.is === "on" || state.old)) this.#on.state("on");
  }

  #start(device, reply) {
    const state = this.#state;
    const here = state.is !== "off" && (!device || device === state.device);
    if (here && state.is === "on") reply.resolve();
    else if (here && state.is === "asking") state.waiting.push(reply);
    else this.#want(device, reply);
  }

  #want(device, reply) {
    const state = this.#state;
    if (state.is === "asking") {
      state.stream.release();
      this.#ask(device, state.old, "wanted", [...state.waiting, reply]);
    } else this.#ask(device, state.is === "on" ? state.stream : undefined, "wanted", [reply]);
    if (state.is === "off") this.#on.state("asking");
  }

  /** Asks the browser; where two streams cannot be, the old one goes first. */
  #ask(device, old, why, waiting) {
    if (this.#devices.single) {
      old?.release();
      old = undefined;
    }
    const stream = this.#devices.ask(device);
    /** @type {Asking} */
    const asking = { is: "asking", stream, device, old, why, waiting };
    this.#state = asking;
    stream.ready.then(() => this.#answered(asking), (error) => this.#refused(asking, error));
  }

  #answered(/** @type {Asking} */ asking) {
    if (this.#state !== asking) return;
    const { stream, device, old, why, waiting } = asking;
    /** @type {On} */
    const on = { is: "on", stream, device };
    this.#state = on;
    this.#on.stream(stream);
    old?.release();
    for (const { resolve } of waiting) resolve();
    // The watch tells once a microphone that was silent hears; a listener may have stopped this one.
    if (why === "silent" || this.#state !== on) return;
    this.#renew();
    this.#on.state("on");
  }

  #refused(/** @type {Asking} */ asking, error) {
    if (this.#state !== asking) return;
    const { device, old, why, waiting } = asking;
    // A device that was chosen once may be gone: any other will do.
    if (device && error?.code === "mic_constraint") return this.#ask("", old, why, waiting);
    for (const { reject } of waiting) reject(error);
    if (old) {
      this.#state = { is: "on", stream: old, device: "" };
      if (why !== "silent") this.#renew();
      return;
    }
    this.#state = OFF;
    this.#on.state("off");
    if (why !== "wanted") this.#on.lost(new SessionError("mic_lost", { cause: error }));
  }

  #renew() {
    this.#watch.free();
    this.#watch = this.#watchOf();
  }
}
