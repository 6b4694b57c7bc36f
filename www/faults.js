import { el, find, isTyping, write } from "./dom.js";

const CONTROL = "/faults/faults";
const EVERY = ["websocket", "sse", "long-poll"];

/** The switches. Two that break the same thing exclude each other. */
const FAULTS = [
  { key: "1", name: "Block WebSocket", full: "WebSocket blocked", how: "403", breaks: ["websocket"], rules: [{ kind: "refuse403" }], expect: "The upgrade is answered 403. The next transport is tried at once." },
  { key: "2", name: "Reset it", full: "WebSocket reset", how: "TCP reset", breaks: ["websocket"], rules: [{ kind: "rst" }], expect: "The connection is reset before it opens. The next transport is tried at once." },
  { key: "3", name: "Let it hang", full: "WebSocket hangs", how: "no answer, ever", breaks: ["websocket"], rules: [{ kind: "hang" }], expect: "Nothing answers. The others do not wait for it: they start while it hangs." },
  { key: "4", name: "Swallow it", full: "WebSocket swallowed", how: "101, then silence", breaks: ["websocket"], rules: [{ kind: "swallow" }], expect: "It opens, and then nothing arrives. Being open is not believed: a link is used only after it has answered." },
  { key: "5", name: "Let it flap", full: "WebSocket flaps", how: "101, cut, again", breaks: ["websocket"], rules: [{ kind: "flap", ms: 100 }], expect: "It opens, works, and is cut 100 ms later. It stays benched until it holds." },
  { key: "6", name: "Mute SSE", full: "SSE muted", how: "headers, no events", breaks: ["sse"], rules: [{ kind: "mute-sse" }], expect: "A proxy buffers the stream: headers come, events never do. Seen only where WebSocket is out too: try 7." },
  { key: "7", name: "Swallow + mute", full: "Only long poll is left", how: "4 and 6 together", breaks: ["websocket", "sse"], rules: [{ kind: "swallow" }, { kind: "mute-sse" }], expect: "Both better ways open and stay silent. Only long polling is left, and it is enough." },
  { key: "8", name: "100 ms more", full: "100 ms more delay", how: "50 ms each way", breaks: ["time"], rules: [{ kind: "delay", ms: 50 }], expect: "Every chunk takes 50 ms longer each way. Watch the round trip." },
  { key: "9", name: "Server down", full: "Server down", how: "every connection reset", breaks: [...EVERY, "time"], rules: [{ kind: "down" }], expect: "Nothing connects. Write on: your messages wait, and go out once when you heal it." },
  { key: "c", name: "Cut everything", full: "Cut", how: "once, now", once: EVERY, expect: "Every open connection is reset, once. The session comes back by itself." },
];
const HEALED = "Healed. The session probes better transports now and then, and climbs back by itself.";
const START = "Press one and watch the timeline. Keep talking meanwhile: whatever you write arrives, once.";

/** The switchboard of the fault proxy that stands between this page and the server. */
export class Faults {
  #record;
  #active = new Set();
  #buttons = new Map();
  #heal;
  #hint = find("#faults-hint");
  #keys = find("#faults-keys");
  #queue = Promise.resolve();

  /** @param {import("./record.js").Record} record @param {string | null} proxy the proxy's origin, `null` if there is none */
  constructor(record, proxy) {
    this.#record = record;
    const board = find("#faults");
    for (const fault of FAULTS) board.append(this.#button(fault, proxy !== null));
    this.#heal = el("button", { type: "button", class: "heal", disabled: true, "aria-keyshortcuts": "0", onclick: () => this.#clear() },
      el("span", { class: "name" }, "Heal"), el("span", { class: "how" }, "everything works again"), el("kbd", { "aria-hidden": "true" }, "0"));
    board.append(this.#heal);
    if (proxy === null) return void this.#say("This server runs without a fault proxy, so nothing can be broken from here. Start it with --faults 127.0.0.1:0 and load the page again.");
    this.#say(START);
    document.addEventListener("keydown", (event) => this.#key(event));
    this.#ask("GET");
  }

  #button(fault, usable) {
    const button = el("button", {
      type: "button", disabled: !usable, "aria-keyshortcuts": fault.key, "aria-pressed": fault.once ? null : "false",
      "data-breaks": EVERY.filter((lane) => (fault.once ?? fault.breaks).includes(lane)).join(" "), "aria-label": `${fault.name}: ${fault.full}, ${fault.how}`, onclick: () => this.#press(fault),
    }, el("span", { class: "name" }, fault.name), el("span", { class: "how" }, fault.how), el("kbd", { "aria-hidden": "true" }, fault.key));
    this.#buttons.set(fault, button);
    return button;
  }

  #key(event) {
    if (!this.#keys.checked || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (document.querySelector("dialog:modal")) return;
    const fault = FAULTS.find(({ key }) => key === event.key);
    if (fault) this.#press(fault);
    else if (event.key === "0") this.#clear();
  }

  #press(fault) {
    if (fault.once) return this.#cut(fault);
    const on = !this.#active.has(fault);
    for (const other of this.#active) {
      if (other.breaks.some((what) => fault.breaks.includes(what))) this.#active.delete(other);
    }
    if (on) this.#active.add(fault);
    if (!this.#active.size) return this.#clear();
    this.#say(on ? fault.expect : `${fault.full}: no more.`);
    this.#put();
  }

  #put() {
    const rules = [...this.#active].flatMap((fault) => fault.rules.map((rule) => ({ ...rule, live: true })));
    this.#show();
    this.#ask("PUT", "", { rules });
  }

  #clear() {
    this.#active.clear();
    this.#show();
    this.#say(HEALED);
    this.#ask("DELETE");
  }

  #cut(fault) {
    this.#record.cut(fault.full, fault.once);
    this.#say(fault.expect);
    this.#ask("POST", "/cut", { on: ["websocket", "sse", "poll", "post"] });
  }

  /** Asks the control API, one request after another, and believes what it answers. */
  #ask(method, path = "", body) {
    this.#queue = this.#queue.then(async () => {
      try {
        const response = await fetch(`${CONTROL}${path}`, {
          method,
          headers: body ? { "Content-Type": "application/json" } : {},
          body: body && JSON.stringify(body),
        });
        const answer = await response.json();
        if (!response.ok) throw new Error(answer.error);
        if (answer.rules) this.#believe(answer.rules);
        else if (answer.cut === 0) this.#say("Nothing was open at this moment, so nothing was cut.");
      } catch (error) {
        this.#say(`The fault proxy did not take it: ${error.message}.`, "bad");
      }
    });
  }

  /** Presses the switches that amount to the rules in force. */
  #believe(rules) {
    const kinds = new Set(rules.map(({ kind }) => kind));
    const matching = FAULTS.filter((fault) => fault.rules?.every(({ kind }) => kinds.has(kind)));
    const most = matching.filter((fault) => !matching.some((other) => other !== fault && other.rules.length > fault.rules.length && fault.rules.every(({ kind }) => other.rules.some((rule) => rule.kind === kind))));
    const pressed = [...this.#active].flatMap(({ rules: own }) => own.map(({ kind }) => kind));
    // Muting and swallowing one by one is as good as both at once: the buttons stay as they were pressed.
    if (pressed.length === kinds.size && pressed.every((kind) => kinds.has(kind))) return;
    this.#active = new Set(most);
    this.#show();
  }

  #show() {
    for (const [fault, button] of this.#buttons) if (!fault.once) button.setAttribute("aria-pressed", this.#active.has(fault));
    this.#heal.disabled = this.#active.size === 0;
    this.#record.fault([...this.#active].map((fault) => ({ key: fault.key, name: fault.full, lanes: EVERY.filter((lane) => fault.breaks.includes(lane)) })));
  }

  #say(text, tone = "") {
    this.#hint.dataset.tone = tone;
    write(this.#hint, text);
  }
}
