import { Console } from "./console.js";
import { el, find, isTyping } from "./dom.js";
import { Explain } from "./explain.js";
import { Faults } from "./faults.js";
import { optionsOf } from "./options.js";
import { Record } from "./record.js";
import { Room } from "./room.js";
import { startSetup } from "./setup.js";
import { Status } from "./status.js";
import { Story } from "./story.js";
import { startTheme } from "./theme.js";
import { Timeline } from "./timeline.js";

const query = new URLSearchParams(location.search);

startTheme();
startSetup(query);
const [{ connect }, proxy] = await Promise.all([load(), findProxy()]);
if (connect) run();

function run() {
  const record = new Record();
  const timeline = new Timeline(record);
  let session;
  let carrier = null;

  /** Sends on the session of the moment and resolves with the transport that carried it. */
  const talk = {
    async send(type, payload) {
      const sender = session;
      const note = record.sent(type);
      try {
        await sender.send(type, payload);
        const lane = sender.transport ?? carrier;
        note.delivered(lane);
        return lane;
      } catch (error) {
        note.failed();
        throw error;
      }
    },
  };

  const options = optionsOf(query, proxy ?? location.origin);
  const parts = [new Status(record, options.transports), new Story(record), new Faults(record, proxy), new Room(talk), new Console(talk), new Explain()];
  const room = parts.find((part) => part instanceof Room);

  async function begin() {
    await session?.close();
    const origin = performance.now();
    session = connect(optionsOf(query, proxy ?? location.origin));
    window.session = session;
    record.follow(session, origin);
    const current = session;
    session.on("transport", ({ to }) => (carrier = to ?? carrier));
    session.on("message", ({ type }) => record.received(type, current.transport ?? carrier));
    for (const event of ["state", "transport", "error", "retry", "message"]) session.on(event, () => timeline.refresh());
    session.on("state", ({ to }) => (find("#session-close").disabled = to === "closed" || to === "failed" || to === "closing"));
    find("#session-close").disabled = false;
    for (const part of parts) part.follow?.(session);
  }

  find("#session-new").addEventListener("click", begin);
  find("#session-close").addEventListener("click", () => session.close());
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !isTyping(event.target)) {
      event.preventDefault();
      room.focus();
    }
    if (event.key === "Escape" && isTyping(event.target)) event.target.blur();
  });
  begin();
}

/** Loads the package; says how to build it where it is missing. */
async function load() {
  try {
    return await import("/pkg/dist/throughline.js");
  } catch {
    find("main").prepend(el("p", { class: "notice", role: "alert" }, "The package is not built yet: run `cargo xtask build`, then load this page again."));
    return {};
  }
}

/** Asks the server for its fault proxy's origin. The session goes through it, so that faults act on it. */
async function findProxy() {
  try {
    const response = await fetch("/api/demo");
    return response.ok ? ((await response.json()).faults ?? null) : null;
  } catch {
    return null;
  }
}
