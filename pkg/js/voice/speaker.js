/** What a browser takes for a sign of the user's. */
const GESTURES = ["pointerdown", "keydown", "touchend"];

/** An `<audio>` in the page that plays one stream, and says where the browser does not let it. */
export class Speaker {
  #element;
  #onBlocked;
  #sink;

  /** @param {(speaker: Speaker) => void} onBlocked */
  constructor(onBlocked) {
    this.#onBlocked = onBlocked;
  }

  get element() {
    return this.#element;
  }

  /** Plays a stream, or nothing. */
  async play(stream) {
    if (!this.#element) {
      if (!stream) return;
      this.#element = Object.assign(document.createElement("audio"), { autoplay: true });
      this.#element.setAttribute("playsinline", "");
      this.#element.hidden = true;
      (document.body ?? document.documentElement).append(this.#element);
      if (this.#sink) await this.sink(this.#sink).catch(() => {});
    }
    if (this.#element.srcObject !== stream) this.#element.srcObject = stream;
    if (stream) await this.resume();
  }

  /** Tries to play; resolves with whether the browser lets it. */
  async resume() {
    if (!this.#element?.srcObject) return true;
    try {
      await this.#element.play();
      return true;
    } catch (/** @type {any} */ error) {
      if (error.name !== "NotAllowedError") return true;
      this.#onBlocked(this);
      return false;
    }
  }

  set muted(muted) {
    if (this.#element) this.#element.muted = muted;
  }

  /** Chooses where it is heard. */
  async sink(id) {
    this.#sink = id;
    await this.#element?.setSinkId?.(id);
  }

  close() {
    if (!this.#element) return;
    this.#element.pause();
    this.#element.srcObject = null;
    this.#element.remove();
    this.#element = undefined;
  }
}

/** Calls `act` at the user's next sign. Returns what stops waiting for it. */
export function atGesture(act) {
  const heard = new AbortController();
  for (const name of GESTURES) {
    document.addEventListener(name, () => (heard.abort(), act()), { capture: true, signal: heard.signal });
  }
  return () => heard.abort();
}
