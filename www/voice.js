import { find, isShortcut, write } from "./dom.js";
import { Meter } from "./meter.js";

/** Errors that are the microphone's or the sound's own. */
const SOUND = /^(mic_|audio_|worklet_|insecure_context$)/;
/** What the microphone's state is to who presses the button. */
const PHASES = { off: "off", asking: "starting", on: "on", silent: "on" };
const LABELS = { off: "Talk", starting: "Cancel", on: "Stop" };

/** The bar that puts a microphone on the session: talk, mute, who speaks, and what stands in the way. */
export class Voice {
  #bar = find("#voice");
  #talk = find("#voice-talk");
  #mute = find("#voice-mute");
  #notice = find("#voice-notice");
  #meter = new Meter(find("#voice-level"));
  #session;
  #phase = "off";
  #turn = 0;

  constructor() {
    this.#talk.addEventListener("click", () => this.toggle());
    this.#mute.addEventListener("click", () => this.#toggleMute());
    document.addEventListener("keydown", (event) => {
      if (event.key === "m" && isShortcut(event) && !this.#bar.hidden) this.toggle();
    });
  }

  /** Whether the user talks, or is about to. */
  get on() {
    return this.#phase !== "off";
  }

  follow(session) {
    this.#session = session;
    this.#turn++;
    this.#enter("off");
    this.#warn();
    this.#bar.hidden = !session.audio;
    this.#meter.follow(session);
    if (!session.audio) return;
    const on = (name, listener) => session.audio.on(name, (event) => session === this.#session && listener(event ?? {}));
    for (const name of ["speaking", "muted"]) on(name, () => this.#show());
    on("state", ({ from, to }) => this.#moved(from, to));
    on("playback", ({ blocked }) => this.#warnBlocked(blocked));
    session.on("error", (error) => session === this.#session && SOUND.test(error.code) && this.#fail(error));
    session.on("state", ({ to }) => (to === "closed" || to === "failed") && session === this.#session && this.#enter("off"));
  }

  #moved(from, to) {
    this.#enter(PHASES[to]);
    if (to === "silent") this.#warn("nothing comes from the microphone", "see whether it is switched off, or choose another", "Choose", () => find("#sound-open").click());
    else if (from === "silent") this.#warn();
  }

  /** Switches the microphone on or off; off is also the way out of the browser's question. */
  async toggle() {
    const { audio } = this.#session;
    const turn = ++this.#turn;
    if (this.on) {
      this.#enter("off");
      return audio.stop();
    }
    this.#warn();
    this.#enter("starting");
    try {
      await audio.start();
      if (turn === this.#turn) this.#enter("on");
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#enter("off");
      this.#fail(error);
    }
  }

  #toggleMute() {
    const { audio } = this.#session;
    if (audio.userMuted) audio.unmute();
    else audio.mute();
    this.#show();
  }

  #enter(phase) {
    this.#phase = phase;
    this.#meter.on = phase === "on";
    this.#show();
  }

  #show() {
    const audio = this.#session?.audio;
    const on = this.#phase === "on";
    this.#bar.dataset.phase = this.#phase;
    write(find("span", this.#talk), LABELS[this.#phase]);
    this.#talk.title = this.on ? "Switch the microphone off (m)" : "Switch the microphone on (m)";
    this.#mute.disabled = !on;
    const muted = on && (audio.userMuted || audio.systemMuted);
    this.#mute.setAttribute("aria-pressed", on && audio.userMuted);
    this.#bar.dataset.muted = muted;
    flag("#voice-user", on && !muted && audio.isUserSpeaking, muted ? "Muted" : "You");
    flag("#voice-agent", audio?.isAgentSpeaking ?? false, "Interviewer");
  }

  /** Says what went wrong and what to do about it. */
  #fail(error) {
    if (error.code === "aborted") return;
    this.#warn(error.message, error.remediation, "Dismiss", () => this.#warn());
  }

  #warnBlocked(blocked) {
    if (!blocked) return this.#warn();
    this.#warn("the browser plays no sound until you ask for it", undefined, "Play", () => this.#session.audio.resume());
  }

  #warn(message, remedy, label, act) {
    this.#notice.hidden = !message;
    const sentence = (text) => text && `${text[0].toUpperCase()}${text.slice(1)}.`;
    write(find("p", this.#notice), [sentence(message), sentence(remedy)].filter(Boolean).join(" "));
    const button = find("button", this.#notice);
    write(button, label ?? "");
    button.onclick = act ?? null;
  }
}

function flag(selector, on, text) {
  const element = find(selector);
  element.dataset.on = on;
  write(find("span", element), text);
}
