import { find, write } from "./dom.js";
import { paint } from "./paint.js";
import { Record } from "./record.js";
import { onTheme } from "./theme.js";
import { STATES, TRANSPORTS, ending, span } from "./words.js";

const PIXELS_PER_SECOND = 42;
const SHORTEST = 12_000;
const LONGEST = 40_000;
const POLL = 100;

/** The live drawing of the record: its size, its place in time, what the pointer and the arrows choose. */
export class Timeline {
  #record;
  #lanes;
  #view = find("#timeline-view");
  #canvas = find("#timeline-canvas");
  #tip = find("#timeline-tip");
  #pause = find("#timeline-pause");
  #pen = this.#canvas.getContext("2d");
  #still = matchMedia("(prefers-reduced-motion: reduce)");
  /** The moment at the right edge; `null` follows the clock. */
  #held = null;
  #chosen = null;
  #drawn = [];
  #colors = {};
  #polled = 0;
  #drawnAt = 0;
  #visible = true;

  /** @param {Record} record @param {string[]} lanes the transports that are drawn */
  constructor(record, lanes) {
    this.#record = record;
    this.#lanes = lanes;
    this.#view.style.setProperty("--lanes", lanes.length);
    new ResizeObserver(() => this.#resize()).observe(this.#view);
    new IntersectionObserver(([entry]) => (this.#visible = entry.isIntersecting)).observe(this.#view);
    onTheme(() => this.#readColors());
    this.#readColors();
    this.#resize();
    this.#listen();
    requestAnimationFrame(() => this.#frame());
  }

  /** Takes over what the session knows, at most ten times a second. */
  refresh() {
    const now = performance.now();
    if (now - this.#polled < POLL) return;
    this.#polled = now;
    this.#record.poll();
  }

  #frame() {
    requestAnimationFrame(() => this.#frame());
    const now = performance.now();
    this.refresh();
    // Who wants no motion gets a drawing that moves on once a second.
    const clock = this.#still.matches ? Math.floor(now / 1000) * 1000 : now;
    if (this.#visible && clock !== this.#drawnAt) this.#draw(clock);
  }

  #draw(now) {
    this.#drawnAt = now;
    const to = this.#held ?? now;
    const { clientWidth: width, clientHeight: height } = this.#view;
    this.#drawn = paint(this.#pen, this.#record, {
      width, height, now, to, from: to - this.#length(), lanes: this.#lanes, colors: this.#colors, chosen: this.#chosen,
      fonts: { label: `600 13px ${this.#colors.sans}`, small: `12px ${this.#colors.sans}` },
    });
  }

  #length() {
    return Math.min(LONGEST, Math.max(SHORTEST, (this.#view.clientWidth / PIXELS_PER_SECOND) * 1000));
  }

  #resize() {
    const ratio = devicePixelRatio || 1;
    this.#canvas.width = Math.round(this.#view.clientWidth * ratio);
    this.#canvas.height = Math.round(this.#view.clientHeight * ratio);
    this.#pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#draw(performance.now());
  }

  #readColors() {
    const style = getComputedStyle(document.documentElement);
    const names = ["ink", "muted", "line", "surface", "good", "bad", "sans"];
    this.#colors = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    for (const { color } of Object.values(TRANSPORTS)) this.#colors[color] = style.getPropertyValue(color).trim();
  }

  #listen() {
    const view = this.#view;
    let drag = null;
    view.addEventListener("pointerdown", (event) => {
      drag = { x: event.clientX, to: this.#held ?? performance.now() };
      view.setPointerCapture(event.pointerId);
    });
    view.addEventListener("pointermove", (event) => {
      if (drag && Math.abs(event.clientX - drag.x) > 3) this.#hold(drag.to - this.#msOf(event.clientX - drag.x));
      this.#point(event);
    });
    view.addEventListener("pointerup", () => (drag = null));
    view.addEventListener("pointercancel", () => (drag = null));
    view.addEventListener("pointerleave", () => this.#show(null));
    view.addEventListener("wheel", (event) => {
      if (Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
      event.preventDefault();
      this.#hold((this.#held ?? performance.now()) + this.#msOf(event.deltaX));
    }, { passive: false });
    view.addEventListener("keydown", (event) => this.#key(event));
    view.addEventListener("blur", () => {
      this.#chosen = null;
      this.#show(null);
    });
    this.#pause.addEventListener("click", () => this.#hold(this.#held === null ? performance.now() : null));
  }

  #msOf(pixels) {
    return (pixels / this.#view.clientWidth) * this.#length();
  }

  /** Stops at a moment; the present or later, and `null`, follow the clock again. */
  #hold(to) {
    const oldest = (this.#record.states[0]?.at ?? 0) + this.#length() / 2;
    this.#held = to === null || to > performance.now() ? null : Math.max(to, oldest);
    const held = this.#held !== null;
    write(this.#pause, held ? "Go live" : "Pause");
    this.#pause.setAttribute("aria-pressed", held);
    this.#draw(performance.now());
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") {
      this.#chosen = null;
      this.#show(null);
    }
    if (!step) return;
    event.preventDefault();
    const { attempts } = this.#record;
    if (!attempts.length) return;
    const current = attempts.findIndex(({ key }) => key === this.#chosen);
    const next = attempts[current < 0 ? attempts.length - 1 : Math.min(attempts.length - 1, Math.max(0, current + step))];
    this.#chosen = next.key;
    const to = this.#held ?? performance.now();
    const end = next.end ?? performance.now();
    if (end < to - this.#length() || next.start > to) this.#hold(end + this.#length() / 2);
    this.#draw(performance.now());
    this.#show(this.#drawn.find(({ item }) => item.key === this.#chosen));
  }

  #point({ clientX, clientY }) {
    const { left, top } = this.#view.getBoundingClientRect();
    const [x, y] = [clientX - left, clientY - top];
    const hit = this.#drawn.toReversed().find((box) => x >= box.left - 5 && x <= box.right + 5 && y >= box.top && y <= box.bottom);
    this.#show(hit ?? null, x);
  }

  #show(box, x) {
    const tip = this.#tip;
    tip.hidden = !box;
    if (!box) return;
    const [title, ...lines] = describe(box);
    const strong = document.createElement("strong");
    strong.textContent = title;
    tip.replaceChildren(strong, lines.join(" "));
    const { clientWidth } = this.#view;
    const at = (x ?? (Math.max(0, box.left) + Math.min(clientWidth, box.right)) / 2) - tip.offsetWidth / 2;
    const up = box.top - tip.offsetHeight - 6;
    tip.style.transform = `translate(${Math.round(Math.max(6, Math.min(clientWidth - tip.offsetWidth - 6, at)))}px, ${Math.round(up > -40 ? up : box.bottom + 6)}px)`;
  }
}

function describe({ kind, item }) {
  const lasted = (from, to) => span((to ?? performance.now()) - from);
  if (kind === "state") return [`${item.state} for ${lasted(item.at, item.until)}`, `${STATES[item.state]}.`];
  if (kind === "fault") return [item.name, item.at === item.until ? "Once." : `${item.until === undefined ? "In force for" : "Was in force for"} ${lasted(item.at, item.until)}.`];
  const lines = [Record.tell(item)];
  if (item.opened !== undefined) lines.push(`Opened after ${span(item.opened - item.start)}.`);
  if (item.ready !== undefined) lines.push(`Proven after ${span(item.ready - item.start)}.`);
  if (item.taken !== undefined) lines.push(`Carried the session for ${lasted(item.taken, item.end)}.`);
  if (item.end === undefined) lines.push(item.taken === undefined ? `Trying for ${lasted(item.start)}.` : "Carries it now.");
  else lines.push(`Ended after ${lasted(item.start, item.end)}: ${item.code === "superseded" ? "another link took over" : ending(item)}.`);
  if (item.diagnosis) lines.push(`${item.diagnosis[0].toUpperCase()}${item.diagnosis.slice(1)}.`);
  return lines;
}
