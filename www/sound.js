import { el, find, write } from "./dom.js";
import { count } from "./words.js";

/** The drawer that chooses microphone and speaker, and shows what the sound's path measures. */
export class Sound {
  #dialog = find("#sound");
  #form = find("#sound-form");
  #hint = find("#sound-hint");
  #figures = find("#sound-figures");
  #session;

  constructor() {
    const { input, output } = this.#form.elements;
    find("#sound-open").addEventListener("click", () => this.#open());
    find("#sound-shut").addEventListener("click", () => this.#dialog.close());
    input.addEventListener("change", () => this.#choose("setInput", input.value));
    output.addEventListener("change", () => this.#choose("setOutput", output.value));
    setInterval(() => this.#dialog.open && this.#measure(), 1_000);
  }

  follow(session) {
    this.#session = session;
    session.audio?.on("devices", () => this.#dialog.open && this.#list());
    session.audio?.on("state", () => this.#dialog.open && this.#list());
  }

  async #open() {
    await this.#list();
    this.#measure();
    this.#dialog.showModal();
  }

  async #list() {
    const { audio } = this.#session;
    const { inputs, outputs } = await audio.devices();
    const { input, output } = this.#form.elements;
    fill(input, inputs, "Microphone");
    fill(output, outputs, "Speaker");
    const named = inputs.some(({ label }) => label);
    this.#say(!inputs.length ? "The browser sees no microphone." : named ? "" : "The browser tells the names once the microphone is allowed: press Talk.");
    output.disabled = !outputs.length || !("setSinkId" in HTMLMediaElement.prototype);
  }

  async #choose(how, id) {
    try {
      await this.#session.audio[how](id);
      this.#say("");
    } catch (error) {
      this.#say(`${error.message}.${error.remediation ? ` To do: ${error.remediation}.` : ""}`, "bad");
      this.#list();
    }
  }

  async #measure() {
    const [path, played] = await Promise.all([this.#session.webrtcStats(), this.#session.audio.stats()]);
    const rows = figuresOf(path, played);
    this.#figures.replaceChildren(...rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  }

  #say(text, tone = "") {
    this.#hint.dataset.tone = tone;
    write(this.#hint, text);
  }
}

function fill(select, devices, noun) {
  const current = select.value;
  const options = devices.map(({ id, label }, i) => el("option", { value: id }, label || `${noun} ${i + 1}`));
  select.replaceChildren(...(options.length ? options : [el("option", { value: "" }, "The browser's choice")]));
  if (devices.some(({ id }) => id === current)) select.value = current;
  select.disabled = !options.length;
}

function figuresOf(webrtc, { glitches, droppedMs, latencyMs }) {
  const ms = (value) => (value == null ? "–" : `${Math.round(value)} ms`);
  const rate = (value) => (value == null ? "–" : `${Math.round(value / 1000)} kbit/s`);
  const path = webrtc
    ? [
        ["Path", `${webrtc.localCandidate} to ${webrtc.remoteCandidate}`], ["Round trip", ms(webrtc.rttMs)], ["Jitter", ms(webrtc.jitterMs)],
        ["Lost", webrtc.loss == null ? "–" : `${(webrtc.loss * 100).toFixed(1)} %`], ["Heard", rate(webrtc.bitrateIn)], ["Spoken", rate(webrtc.bitrateOut)],
      ]
    : [["Path", "messages of the session"], ["Kept ready", ms(latencyMs)]];
  return [...path, ["Ran dry", glitches == null ? "–" : count(glitches, "time")], ["Thrown away", ms(droppedMs)]];
}
