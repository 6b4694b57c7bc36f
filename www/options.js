import { TRANSPORTS } from "./words.js";

/** Milliseconds to the first try of a better transport, and at most between two: shorter than the package's 15 s and 50 s, so that a spectator sees it. */
const CLIMB = { climb: 5_000, climbCap: 15_000 };

const FIELDS = ["entry", "dialect", "eventSource", "climb"];

/** Whether the address asks for the entry with voice. */
export const hasVoice = (query) => query.get("entry") !== "text";
/** Whether it has what answers an offer: the text entry makes none, and plain JSON is served without. */
const hasWebRtc = (query) => hasVoice(query) && query.get("dialect") !== "json";

/** The transports that the address asks for, or all that its entry and the browser have. */
export function transportsOf(query) {
  const usable = Object.keys(TRANSPORTS).filter((name) => name !== "webrtc" || hasWebRtc(query));
  const asked = query.getAll("transports").join(",").split(",").filter((name) => usable.includes(name));
  return asked.length ? asked : usable.filter((name) => name !== "webrtc" || typeof RTCPeerConnection === "function");
}

/**
 * Makes the options of `connect()` from the page's address.
 *
 * @param {URLSearchParams} query `entry=text`, `dialect=json`, `transports=sse,long-poll`, `eventSource=native`, `climb=default`
 * @param {string} origin where the realtime path is: the page's own, or the fault proxy's
 */
export function optionsOf(query, origin) {
  const options = { url: `${origin}/realtime`, recover: true, transports: transportsOf(query) };
  if (query.get("climb") !== "default") options.timing = CLIMB;
  if (query.get("eventSource") === "native") options.eventSource = "native";
  if (query.get("dialect") === "json") {
    options.dialect = { name: "json", ready: "SESSION_CREATED" };
    options.recover = false;
    options.url = `${origin}/json?client=${crypto.randomUUID()}`;
  }
  return options;
}

/** Shows in the form what the address asks for. */
export function fillForm(form, query) {
  const transports = transportsOf(query);
  for (const box of form.elements.transports) box.checked = transports.includes(box.value) || (box.value === "webrtc" && !hasWebRtc(query));
  for (const name of FIELDS) {
    const value = query.get(name);
    const field = form.elements[name];
    if ([...field.options].some((option) => option.value === value)) field.value = value;
  }
}

/** Writes the form as an address that names only what differs from the defaults. */
export function addressOf(form) {
  const query = new URLSearchParams();
  const boxes = [...form.elements.transports];
  const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
  if (chosen.length && chosen.length < boxes.length) query.set("transports", chosen.join(","));
  for (const name of FIELDS) {
    if (form.elements[name].value) query.set(name, form.elements[name].value);
  }
  const search = query.toString().replaceAll("%2C", ",");
  return location.pathname + (search && `?${search}`);
}
