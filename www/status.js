import { find, write } from "./dom.js";
import { STATES, span } from "./words.js";

/** The strip that says how the session stands: state, lanes and figures. */
export class Status {
  #pill = find("#state");
  #lanes = [...document.querySelectorAll("#lanes li")];
  #session;
  #record;
  #allowed;

  /** @param {import("./record.js").Record} record @param {string[]} lanes the transports that are shown @param {string[]} allowed those in use */
  constructor(record, lanes, allowed) {
    this.#record = record;
    this.#allowed = allowed;
    for (const lane of this.#lanes) lane.hidden = !lanes.includes(lane.dataset.transport);
    setInterval(() => this.show(), 200);
  }

  follow(session) {
    this.#session = session;
    this.show();
  }

  show() {
    const session = this.#session;
    if (!session) return;
    const stats = session.stats();
    this.#pill.dataset.state = session.state;
    this.#pill.title = STATES[session.state];
    write(find(".word", this.#pill), session.state);
    for (const lane of this.#lanes) this.#showLane(lane, session.transport);
    write(find("#rtt"), stats.rtt === null || !session.transport ? "–" : span(stats.rtt));
    write(find("#sent"), stats.sent);
    write(find("#received"), stats.received);
    write(find("#waiting"), this.#record.waiting);
    write(find("#duplicates"), stats.duplicates);
  }

  #showLane(lane, carrying) {
    const { transport } = lane.dataset;
    const trying = this.#record.attempts.some((attempt) => attempt.transport === transport && attempt.end === undefined);
    const off = !this.#allowed.includes(transport);
    const is = off ? "off" : transport === carrying ? "carrying" : trying ? "trying" : "free";
    if (lane.dataset.is === is) return;
    lane.dataset.is = is;
    lane.title = { off: "Not used in this setup", carrying: "Carries the session", trying: "Being tried", free: "Not in use now" }[is];
    lane.setAttribute("aria-current", is === "carrying");
  }
}
