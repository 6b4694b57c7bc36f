import { el, find, isShortcut, write } from "./dom.js";
import { FAULTS, LANES, concerns, partsOf as wanted } from "./switches.js";
import { TRANSPORTS, nameOf } from "./words.js";

/** UDP does not pass the proxy: the server breaks it itself. */
const RTC = "/api/rtc";

const HEALED = "Healed. The session probes better transports now and then, and climbs back by itself.";
const START = {
  "effectively-once": "Press one and watch the timeline. Keep talking meanwhile: whatever you write or say arrives, once.",
  "at-most-once": "Press one and watch the timeline. What is under way when a link breaks may be lost in this dialect; nothing is sent twice.",
};

/** The switchboard of the fault proxy that stands between this page and the server, and of the server's UDP. */
export class Faults {
  #record;
  #control;
  #allowed;
  #session;
  #active = new Set();
  #buttons = new Map();
  #heal;
  #hint = find("#faults-hint");
  #keys = find("#faults-keys");
  #queue = Promise.resolve();
  #asked = 0;
  /** What is in force, by part. */
  #rules = [];
  #udp = [];

  /**
   * @param {import("./record.js").Record} record
   * @param {string | null} control the path of the proxy's control API, `null` if there is no proxy
   * @param {string[]} allowed the transports in use
   */
  constructor(record, control, allowed) {
    this.#record = record;
    this.#control = control;
    this.#allowed = allowed;
    const board = find("#faults");
    for (const fault of FAULTS) if (concerns(fault, allowed)) board.append(this.#button(fault, control !== null));
    this.#heal = el("button", { type: "button", class: "heal", disabled: true, "aria-keyshortcuts": "0", onclick: () => this.#clear() },
      el("span", { class: "name" }, "Heal"), el("span", { class: "how" }, "all works"), el("kbd", { "aria-hidden": "true" }, "0"));
    board.append(this.#heal);
    if (control === null) return void this.#say("This server runs without a fault proxy, so nothing can be broken from here. Start it with --faults 127.0.0.1:0 and load the page again.");
    document.addEventListener("keydown", (event) => this.#key(event));
    this.#ask("GET", this.#control);
    if (allowed.includes("webrtc")) this.#ask("GET", RTC);
    else this.#without();
  }

  follow(session) {
    this.#session = session;
    if (this.#control !== null) this.#say(START[session.guarantee]);
  }

  #button(fault, usable) {
    const breaks = fault.once ?? fault.breaks;
    const button = el("button", {
      type: "button", disabled: !usable, "aria-keyshortcuts": fault.key, "aria-pressed": fault.once ? null : "false",
      style: stripeOf(LANES.filter((lane) => breaks.includes(lane) && this.#allowed.includes(lane))), "data-key": fault.key, onclick: () => this.#press(fault),
    }, el("span", { class: "name" }, fault.name), " ", el("span", { class: "how" }, fault.how), el("kbd", { "aria-hidden": "true" }, fault.key));
    this.#buttons.set(fault, button);
    return button;
  }

  #key(event) {
    if (!this.#keys.checked || !isShortcut(event)) return;
    const fault = [...this.#buttons.keys()].find(({ key }) => key === event.key);
    if (fault && !this.#buttons.get(fault).disabled) this.#press(fault);
    else if (event.key === "0") this.#clear();
  }

  #press(fault) {
    if (fault.once) return this.#once(fault);
    const on = !this.#active.has(fault);
    for (const other of this.#active) {
      if (other.breaks.some((what) => fault.breaks.includes(what))) this.#active.delete(other);
    }
    if (on) this.#active.add(fault);
    if (!this.#active.size) return this.#clear();
    this.#say(on ? `${fault.expect}${this.#unseen(fault)}` : `${fault.full}: no more.`);
    this.#show();
    const active = [...this.#active];
    this.#ask("PUT", this.#control, { rules: active.flatMap(({ rules = [] }) => rules.map((rule) => ({ ...rule, live: true }))) });
    this.#setUdp(active.some(({ udp }) => udp) ? "drop" : "pass");
  }

  /** Tells why nothing will be seen, where a better transport carries. */
  #unseen({ breaks }) {
    const carrier = this.#session?.transport;
    const first = LANES.findIndex((lane) => breaks.includes(lane));
    return first > LANES.indexOf(carrier) && carrier ? ` Unseen while ${nameOf(carrier)} carries: break that too.` : "";
  }

  #clear() {
    this.#active.clear();
    this.#show();
    this.#say(HEALED);
    this.#ask("DELETE", this.#control);
    this.#setUdp("pass");
  }

  /** Whether there is UDP, and a server that breaks it. */
  get #hasUdp() {
    return this.#buttons.get(FAULTS[0])?.disabled === false;
  }

  #setUdp(udp) {
    if (!this.#hasUdp || (udp === "drop") === this.#udp.length > 0) return;
    this.#udp = udp === "drop" ? ["udp"] : [];
    this.#ask("POST", RTC, { udp });
  }

  #once(fault) {
    this.#record.cut(fault.full, fault.once);
    this.#say(fault.expect);
    if (fault.cut) this.#ask("POST", `${this.#control}/cut`, { on: fault.cut });
    if (fault.rtc && this.#hasUdp) this.#ask("POST", RTC, fault.rtc);
  }

  /** Asks a control API, one request after another, and believes what it answers. */
  #ask(method, path, body) {
    const turn = ++this.#asked;
    this.#queue = this.#queue.then(async () => {
      try {
        const response = await fetch(path, {
          method,
          headers: body ? { "Content-Type": "application/json" } : {},
          body: body && JSON.stringify(body),
        });
        if (response.status === 404 && path === RTC) this.#without();
        else await this.#take(response);
        if (turn === this.#asked) this.#believe();
      } catch (error) {
        this.#say(`The server did not take it: ${error.message}.`, "bad");
      }
    });
  }

  async #take(response) {
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    if (answer.rules) this.#rules = wanted(answer);
    if (answer.udp) this.#udp = answer.udp === "drop" ? ["udp"] : [];
  }

  /** Leaves out what a server without WebRTC cannot break. */
  #without() {
    for (const [{ rules, cut }, button] of this.#buttons) if (!rules && !cut) button.disabled = true;
  }

  /** Presses the switches that amount to what is in force. */
  #believe() {
    const parts = new Set([...this.#rules, ...this.#udp]);
    const partsOf = (fault) => wanted(fault).filter((part) => part !== "udp" || this.#hasUdp);
    const pressed = new Set([...this.#active].flatMap(partsOf));
    // Muting and swallowing one by one is as good as both at once: the buttons stay as they were pressed.
    if (pressed.size === parts.size && [...pressed].every((part) => parts.has(part))) return;
    const matching = [...this.#buttons.keys()].filter((fault) => !fault.once && partsOf(fault).every((part) => parts.has(part)));
    const within = (fault, other) => partsOf(other).length > partsOf(fault).length && partsOf(fault).every((part) => partsOf(other).includes(part));
    this.#active = new Set(matching.filter((fault) => !matching.some((other) => within(fault, other))));
    this.#show();
  }

  #show() {
    for (const [fault, button] of this.#buttons) if (!fault.once) button.setAttribute("aria-pressed", this.#active.has(fault));
    this.#heal.disabled = this.#active.size === 0;
    this.#record.fault([...this.#active].map((fault) => ({ key: fault.key, name: fault.full, lanes: LANES.filter((lane) => fault.breaks.includes(lane)) })));
  }

  #say(text, tone = "") {
    this.#hint.dataset.tone = tone;
    write(this.#hint, text);
  }
}

/** The hues of what a switch breaks, from top to bottom. */
function stripeOf(lanes) {
  const part = 100 / lanes.length;
  const hues = lanes.map((lane, i) => `var(${TRANSPORTS[lane].color}) ${i * part}% ${(i + 1) * part}%`);
  return lanes.length ? `--stripe: linear-gradient(${hues})` : null;
}
