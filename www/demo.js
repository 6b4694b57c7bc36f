import { Console } from "./console.js";
import { Diagnose } from "./diagnose.js";
import { el, find, isTyping } from "./dom.js";
import { Errors } from "./errors.js";
import { Explain } from "./explain.js";
import { Faults } from "./faults.js";
import { hasVoice, optionsOf, transportsOf } from "./options.js";
import { Record } from "./record.js";
import { Room } from "./room.js";
import { Rung } from "./rung.js";
import { startSetup } from "./setup.js";
import { Sound } from "./sound.js";
import { Status } from "./status.js";
import { Steps } from "./steps.js";
import { Story } from "./story.js";
import { findSystem } from "./systems.js";
import { startTheme } from "./theme.js";
import { Timeline } from "./timeline.js";
import { Voice } from "./voice.js";

/** Messages that hold sound. */
const SOUND = ["audio", "binary", "response.output_audio.delta"];

const query = new URLSearchParams(location.search);

startTheme();
const { system, place } = await findSystem(query);
startSetup(system, query);
const { connect, diagnose } = await load();
if (connect) run();

function run() {
  const record = new Record();
  const timeline = new Timeline(record, system.transports);
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

  const options = () => optionsOf(system, query, place);
  const transports = transportsOf(system, query);
  const voice = new Voice();
  const room = system.room && new Room(talk, system.room, () => voice.on);
  const parts = [
    new Status(record, system.transports, transports), new Steps(), new Story(record), new Faults(record, place.control, transports), voice, room, new Rung(), new Sound(),
    system.console && new Console(talk, system.console, place), new Errors(room ? "room" : "console"), new Explain(),
    new Diagnose(diagnose && (() => diagnose(options()))),
  ];

  async function begin() {
    const talks = voice.on;
    await session?.close();
    const origin = performance.now();
    const chosen = options();
    session = connect(chosen);
    window.session = session;
    record.follow(session, origin);
    const current = session;
    session.on("transport", ({ to }) => (carrier = to ?? carrier));
    // Sound is no message to whoever looks: fifty a second.
    session.on("message", ({ type }) => SOUND.includes(type) || record.received(type, current.transport ?? carrier));
    for (const event of ["state", "transport", "error", "retry", "message"]) session.on(event, () => timeline.refresh());
    session.on("state", ({ to }) => (find("#session-close").disabled = to === "closed" || to === "failed" || to === "closing"));
    find("#session-close").disabled = false;
    for (const part of parts) part?.follow?.(session, chosen);
    if (talks) voice.toggle();
  }

  find("#session-new").addEventListener("click", begin);
  find("#session-close").addEventListener("click", () => session.close());
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && room && !isTyping(event.target)) {
      event.preventDefault();
      room.focus();
    }
    if (event.key === "Escape" && isTyping(event.target)) event.target.blur();
  });
  begin();
}

/** Loads the package, the entry that the address asks for; says how to build it where it is missing. */
async function load() {
  try {
    return await import(hasVoice(system, query) ? "/pkg/dist/voice.js" : "/pkg/dist/throughline.js");
  } catch {
    find("main").prepend(el("p", { class: "notice", role: "alert" }, "The package is not built yet: run `cargo xtask build`, then load this page again."));
    return {};
  }
}
