import { onTheme } from "./theme.js";
import { TRANSPORTS } from "./words.js";

const STEP = 60;
const BAR = 3;
const GAP = 2;
/** Milliseconds between two drawings for who wants no motion. */
const CALM = 500;

/** The level of the microphone over the last seconds, each bar in the colour of the transport that carried it. */
export class Meter {
  #canvas;
  #pen;
  #session;
  #bars = [];
  #peak = 0;
  #stepped = 0;
  #drawn = 0;
  /** The frame that is due while the microphone is on. */
  #running;
  #colors = {};
  #still = matchMedia("(prefers-reduced-motion: reduce)");

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#pen = canvas.getContext("2d");
    new ResizeObserver(() => this.#resize()).observe(canvas);
    onTheme(() => this.#readColors());
    this.#readColors();
  }

  follow(session) {
    this.#session = session;
    this.#bars = [];
    this.#draw();
  }

  set on(on) {
    if (on === (this.#running !== undefined)) return;
    cancelAnimationFrame(this.#running);
    this.#running = on ? requestAnimationFrame(() => this.#frame()) : undefined;
    if (on) return;
    this.#bars = [];
    this.#draw();
  }

  #frame() {
    this.#running = requestAnimationFrame(() => this.#frame());
    const now = performance.now();
    const { audio, transport } = this.#session;
    this.#peak = Math.max(this.#peak, audio.level);
    if (now - this.#stepped < STEP) return;
    this.#stepped = now;
    this.#bars.push({ level: this.#peak, transport });
    this.#peak = 0;
    if (this.#bars.length > this.#most) this.#bars.splice(0, this.#bars.length - this.#most);
    if (this.#still.matches && now - this.#drawn < CALM) return;
    this.#drawn = now;
    this.#draw();
  }

  get #most() {
    return Math.floor((this.#canvas.clientWidth + GAP) / (BAR + GAP));
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const pen = this.#pen;
    pen.clearRect(0, 0, width, height);
    const most = this.#most;
    // Who wants no motion sees the loudest of the last moment, which does not wander.
    const bars = this.#still.matches && this.#running !== undefined ? Array(most).fill(loudest(this.#bars.slice(-Math.round(CALM / STEP)))) : this.#bars;
    for (let i = 0; i < most; i++) {
      const bar = bars[bars.length - most + i];
      const tall = bar ? Math.max(BAR, Math.min(1, shown(bar.level)) * height) : BAR;
      pen.fillStyle = bar ? (this.#colors[bar.transport] ?? this.#colors.none) : this.#colors.none;
      pen.globalAlpha = bar ? 1 : 0.45;
      pen.fillRect(i * (BAR + GAP), (height - tall) / 2, BAR, tall);
    }
    pen.globalAlpha = 1;
  }

  #resize() {
    const ratio = devicePixelRatio || 1;
    this.#canvas.width = Math.round(this.#canvas.clientWidth * ratio);
    this.#canvas.height = Math.round(this.#canvas.clientHeight * ratio);
    this.#pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#draw();
  }

  #readColors() {
    const style = getComputedStyle(document.documentElement);
    for (const [transport, { color }] of Object.entries(TRANSPORTS)) this.#colors[transport] = style.getPropertyValue(color).trim();
    this.#colors.none = style.getPropertyValue("--line-strong").trim();
    if (this.#session) this.#draw();
  }
}

/** Loudness as the ear takes it: −50 dB is nothing, −6 dB all of the height. */
const shown = (level) => (level > 0 ? (20 * Math.log10(level) + 50) / 44 : 0);

const loudest = (bars) => bars.reduce((most, bar) => (bar.level >= most.level ? bar : most), { level: 0 });
