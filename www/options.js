/** Milliseconds to the first try of a better transport, and at most between two: shorter than the package's 15 s and 50 s, so that a spectator sees it. */
const CLIMB = { climb: 5_000, climbCap: 15_000 };

const FIELDS = ["entry", "dialect", "eventSource", "climb"];

/** Whether the address asks for the entry with voice, which only some systems have a use for. */
export const hasVoice = (system, query) => Boolean(system.voice) && query.get("entry") !== "text";
/** Whether it has what answers an offer: the text entry makes none, and our own server serves plain JSON without. */
const hasWebRtc = (system, query) => hasVoice(system, query) && query.get("dialect") !== "json";

/** The transports that the address asks for, or all that the system, the entry and the browser have. */
export function transportsOf(system, query) {
  const usable = system.transports.filter((name) => name !== "webrtc" || hasWebRtc(system, query));
  const asked = query.getAll("transports").join(",").split(",").filter((name) => usable.includes(name));
  return asked.length ? asked : usable.filter((name) => name !== "webrtc" || typeof RTCPeerConnection === "function");
}

/**
 * Makes the options of `connect()`: the system's own, and what the page's address asks for.
 *
 * @param {object} system one of `systems/*.js`
 * @param {URLSearchParams} query `entry=text`, `dialect=json`, `transports=sse,long-poll`, `eventSource=native`, `climb=default` or in ms
 * @param {{ origin: string, direct: string }} place where the system's server is: behind its fault proxy, and itself
 */
export function optionsOf(system, query, place) {
  const options = { transports: transportsOf(system, query), ...system.options({ query, ...place }) };
  const climb = query.get("climb");
  if (climb !== "default") options.timing = { ...(climb ? { climb: Number(climb), climbCap: Number(climb) } : CLIMB), ...options.timing };
  if (query.get("eventSource") === "native") options.eventSource = "native";
  return options;
}

/** Shows in the form what the address asks for. */
export function fillForm(form, system, query) {
  const transports = transportsOf(system, query);
  for (const box of form.elements.transports) {
    box.checked = transports.includes(box.value) || (box.value === "webrtc" && !hasWebRtc(system, query));
    box.disabled = !system.transports.includes(box.value);
    box.parentElement.hidden = box.disabled;
  }
  form.elements.entry.parentElement.hidden = !system.voice;
  form.elements.dialect.parentElement.hidden = system.key !== "";
  for (const name of FIELDS) {
    const value = query.get(name);
    const field = form.elements[name];
    if ([...field.options].some((option) => option.value === value)) field.value = value;
  }
}

/** Writes the form as an address that names only what differs from the defaults. */
export function addressOf(form, system) {
  const query = new URLSearchParams(system.key && { system: system.key });
  const boxes = [...form.elements.transports].filter((box) => !box.disabled);
  const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
  if (chosen.length && chosen.length < boxes.length) query.set("transports", chosen.join(","));
  for (const name of FIELDS) {
    if (form.elements[name].value) query.set(name, form.elements[name].value);
  }
  const search = query.toString().replaceAll("%2C", ",");
  return location.pathname + (search && `?${search}`);
}
