import { Dialogue } from "./dialogue.js";
import { append, el, find, keepEnd, write } from "./dom.js";
import { count, nameOf, span } from "./words.js";

/** Milliseconds of waiting that are worth a word. */
const NOTICED = 400;
/** One for each question of the scripted interviewer, in its order. */
const ANSWERS = [
  "I build what must not stop: payments first, live shows now.",
  "A checkout that kept its promises while networks came and went. My part numbers every message, so that none is lost and none counts twice.",
  "Sockets that were open and carried nothing. Since then I believe no connection before it has answered.",
  "When somebody can pull any cable and the people who talk do not look up.",
  "How to explain backoff to people who press reload.",
  "Yes: did you notice that the transport changed while we spoke?",
];
/** Milliseconds without sound that nobody notices. */
const UNHEARD = 60;
const TICKS = {
  spoken: "M5.5 1.2h2.6v4.6h-2.6zM3 5.2c0 4 7.6 4 7.6 0M6.8 8.4v2",
  pending: "M8 1.2a4.3 4.3 0 1 0 0 8.6a4.3 4.3 0 1 0 0-8.6M8 3.2v2.4l1.6 1",
  delivered: "M1 6l3 3.4L10 2M6.4 8.4l.9 1L13.5 2",
  failed: "M4 2l7 7M11 2L4 9",
};
/** Where a page leaves its conversation for itself after a reload. */
const KEPT = "demo:room";
/** `/TYPE` or `/TYPE {"any":"payload"}`: sent as it is. */
const COMMAND = /^\/(\S+)\s*(.*)$/s;

/** The interview: a conversation with the scripted interviewer. */
export class Room {
  #talk;
  #says;
  #hears;
  #opens;
  #starts;
  #isForgotten;
  #begins;
  #writes;
  #isVoice;
  #session;
  #recovers = false;
  #log = find("#room-log");
  #typing = find("#room-typing");
  #input = find("#room-text");
  #pause = find("#room-pause");
  #end = find("#room-end");
  #auto = find("#room-auto");
  #phase = "waiting";
  #id;
  #asked = 0;
  #answer;
  #dialogue = new Dialogue();
  /** Captions that still grow, by id. */
  #open = new Map();

  /**
   * @param {{ send(type: string, payload: object): Promise<string> }} talk
   * @param {{ starts?: string, isForgotten?: Function, says: object, hears: object, begins?: Function, writes?: Function }} names what the app's messages are called: `starts`
   *   opens an interview where the link itself does not, `isForgotten` tells errors by which the server knows the session no more, `says` are the user's `text`, `pause`,
   *   `resume`, `end` and `again`, `hears` the server's `created`, `text`, `typing`, `paused`, `resumed`, `ended`, `error`; where a text is more than one message, `writes`
   *   sends it; `begins` has a new session begin
   * @param {() => boolean} isVoice whether the user talks rather than writes
   */
  constructor(talk, { starts, isForgotten = () => false, says, hears, begins, writes }, isVoice) {
    this.#talk = talk;
    this.#starts = starts ?? says.again;
    this.#opens = starts;
    this.#isForgotten = isForgotten;
    this.#says = says;
    this.#hears = hears;
    this.#begins = begins;
    this.#writes = writes;
    this.#isVoice = isVoice;
    find("#room-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.#input.value.trim();
      if (!text || this.#phase !== "live") return;
      this.#input.value = "";
      const [, type, payload] = COMMAND.exec(text) ?? [];
      if (type) this.#try(type, payload);
      else this.#say(text);
    });
    this.#pause.addEventListener("click", () => this.#command(this.#phase === "paused" ? says.resume : says.pause));
    this.#end.addEventListener("click", () => (this.#phase === "ended" ? this.#begin(this.#starts) : this.#command(says.end)));
    this.#pause.hidden = !says.pause;
    this.#end.hidden = !says.end;
    find("#room-form").hidden = this.#auto.hidden = !says.text && !writes;
    this.#auto.addEventListener("click", () => {
      const on = this.#auto.getAttribute("aria-pressed") !== "true";
      this.#auto.setAttribute("aria-pressed", on);
      if (on) this.#answerSoon();
      else clearTimeout(this.#answer);
    });
    addEventListener("pagehide", () => this.#keep());
    this.#show();
  }

  follow(session, { recover = false }) {
    const first = !this.#session;
    if (!first) this.#note("A new session.");
    this.#session = session;
    this.#recovers = recover;
    const on = (type, listener) => type && session.on(type, (payload) => session === this.#session && listener(payload ?? {}));
    const hears = this.#hears;
    on(hears.created, ({ sessionId }) => {
      // A server of plain JSON greets each link anew: what is known already changes nothing.
      if (sessionId === this.#id && this.#phase !== "waiting") return;
      this.#id = sessionId;
      this.#enter("live");
    });
    on(hears.text, ({ text }) => {
      this.#asked++;
      this.#isTyping(false);
      this.#line("them", text, this.#via());
      this.#answerSoon();
    });
    on("caption", (caption) => this.#caption(caption));
    on("rung", (change) => this.#changed(change));
    this.#dialogue.follow(session);
    this.#begins?.(session);
    if (!this.#says.text && !session.conversation) this.#listen(session);
    on(hears.typing, ({ isTyping }) => this.#isTyping(isTyping));
    on(hears.paused, () => this.#enter("paused", "Paused."));
    on(hears.resumed, () => this.#enter("live", "Resumed."));
    on(hears.ended, ({ resultsUrl }) => {
      this.#enter("ended", `The interview has ended.${resultsUrl ? ` Results: ${resultsUrl}` : ""}`);
      session.forget();
    });
    on(hears.error, ({ error, message }) => this.#note(`The server says: ${message ?? error}`, "bad"));
    on("gap", () => this.#startOver());
    on("error", (error) => this.#id && this.#isForgotten(error, this.#id) && this.#startOver());
    on("state", ({ to }) => (to === "closed" || to === "failed") && this.#enter("over", "The session is over."));
    if (first && recover && this.#restore()) this.#resume(session);
    else this.#begin(this.#opens);
  }

  #startOver() {
    this.#session.forget();
    this.#note("The server forgot this session; the interview starts over.", "bad");
    this.#begin(this.#starts);
  }

  focus() {
    this.#input.focus();
  }

  /** Goes on where the page before a reload was, or anew if its session is gone. */
  #resume(session) {
    let recovered = false;
    session.on("recovered", async ({ pending }) => {
      recovered = true;
      this.#note(`The page was reloaded, the session went on${pending.length ? `; ${count(pending.length, "message")} of yours had been under way` : ""}.`);
      await Promise.allSettled(pending.map(({ settled }) => settled));
      for (const tick of this.#log.querySelectorAll('.tick[data-is="pending"]')) mark(tick, "delivered", `${nameOf(session.transport)}, after the reload`);
    });
    const stop = session.on("state", ({ to }) => {
      if (to !== "connected") return;
      stop();
      queueMicrotask(() => recovered || this.#begin(this.#opens));
    });
  }

  #keep() {
    if (!this.#recovers || this.#phase === "over" || this.#phase === "waiting") return;
    const page = { id: this.#id, asked: this.#asked, phase: this.#phase, log: this.#log.innerHTML };
    sessionStorage.setItem(KEPT, JSON.stringify(page));
  }

  #restore() {
    const page = JSON.parse(sessionStorage.getItem(KEPT));
    sessionStorage.removeItem(KEPT);
    if (!page) return false;
    this.#id = page.id;
    this.#asked = page.asked;
    this.#log.innerHTML = page.log;
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#enter(page.phase);
    return true;
  }

  /** Begins an interview: with a message, or with the link that the session opens. */
  #begin(type) {
    this.#id = undefined;
    this.#asked = 0;
    this.#enter("waiting");
    if (type) this.#command(type);
  }

  #command(type) {
    this.#send(type, this.#id ? { sessionId: this.#id } : { voice: this.#isVoice() });
  }

  /** Sends whatever the user wants to try. */
  #try(type, payload) {
    try {
      this.#send(type, payload ? JSON.parse(payload) : {});
      this.#note(`Sent ${type}.`);
    } catch (error) {
      this.#note(`Not sent: ${error.message}.`, "bad");
    }
  }

  #send(type, payload) {
    this.#talk.send(type, payload).catch((error) => this.#note(`Not sent: ${error.message}.`, "bad"));
  }

  async #say(text) {
    // Its line comes from the conversation.
    if (this.#writes) return this.#writes(this.#session, text).catch((error) => this.#note(`Not sent: ${error.message}.`, "bad"));
    const tick = el("span", { class: "tick" });
    mark(tick, "pending", "waiting");
    this.#line("me", text, tick);
    const at = performance.now();
    try {
      const transport = await this.#talk.send(this.#says.text, { sessionId: this.#id, text });
      const late = performance.now() - at;
      mark(tick, "delivered", `${nameOf(transport)}${late > NOTICED ? `, after ${span(late)}` : ""}`);
    } catch (error) {
      mark(tick, "failed", `not delivered: ${error.message}`);
    }
  }

  /** What was said, as a line of the conversation; one that grows is written again in its place. */
  #caption({ id, who, text, final }) {
    const kind = who === "user" ? "me" : "them";
    const line = this.#open.get(id) ?? this.#written(kind, text) ?? el("div", { class: kind }, el("span"), el("span", { class: "tick" }));
    if (final === false) this.#open.set(id, line);
    else this.#open.delete(id);
    keepEnd(this.#log, () => {
      line.dataset.final = final !== false;
      write(line.firstElementChild, text ?? "");
      mark(line.lastElementChild, "spoken", nameOf(this.#session.transport));
      if (!line.parentNode) append(this.#log, line);
    });
  }

  /** The last line of theirs, if it says just that: what is said may be written too. */
  #written(kind, text) {
    const last = [...this.#log.querySelectorAll(".them")].at(-1);
    return kind === "them" && last?.firstElementChild.textContent === text ? last : undefined;
  }

  /** Where nothing is written, says how long something was spoken. */
  #listen(session) {
    let since;
    session.audio?.on("speaking", ({ who, speaking }) => {
      if (session !== this.#session || who !== "agent") return;
      if (speaking) since = performance.now();
      else this.#line("them", `Spoke for ${span(performance.now() - since)}`, this.#via());
    });
  }

  /** Says what carries the sound from now on, and how long nothing did. */
  #changed({ from, to, gapMs }) {
    if (!this.#isVoice()) return;
    const gap = gapMs == null ? "" : gapMs < UNHEARD ? ", no pause to hear" : `, ${span(gapMs)} without sound`;
    this.#note(`${nameOf(from)} → ${nameOf(to)}${gap}`);
  }

  #via() {
    return el("span", { class: "tick" }, nameOf(this.#session.transport));
  }

  #line(kind, text, foot) {
    append(this.#log, el("div", { class: kind }, el("span", {}, text ?? ""), foot));
  }

  #note(text, tone = "") {
    append(this.#log, el("div", { class: `note ${tone}` }, text));
  }

  #isTyping(is) {
    if (is) this.#typing.replaceChildren(el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i")), "the interviewer is writing");
    else this.#typing.replaceChildren();
  }

  #enter(phase, note) {
    const before = this.#phase;
    this.#phase = phase;
    if (note && before !== phase) this.#note(note);
    if (phase !== "live") {
      this.#isTyping(false);
      clearTimeout(this.#answer);
    } else if (before === "paused") this.#answerSoon();
    this.#show();
  }

  #show() {
    const phase = this.#phase;
    const talks = phase === "live" || phase === "paused";
    this.#pause.disabled = !talks;
    this.#end.disabled = !talks && phase !== "ended";
    write(this.#pause, phase === "paused" ? "Resume" : "Pause");
    write(this.#end, phase === "ended" ? "Start" : "End");
    this.#input.disabled = phase !== "live";
    find("#room-form button").disabled = phase !== "live";
  }

  /** Answers by itself, if it was asked to, a little after the interviewer spoke. */
  #answerSoon() {
    clearTimeout(this.#answer);
    if (this.#auto.getAttribute("aria-pressed") !== "true" || this.#phase !== "live") return;
    this.#answer = setTimeout(() => this.#say(ANSWERS[(this.#asked + ANSWERS.length - 1) % ANSWERS.length]), 1200 + Math.random() * 900);
  }
}

/** Shows what became of a message. */
function mark(tick, is, words) {
  tick.dataset.is = is;
  tick.innerHTML = `<svg viewBox="0 0 15 11" aria-hidden="true"><path d="${TICKS[is]}"/></svg>`;
  tick.append(el("span", {}, words));
}
