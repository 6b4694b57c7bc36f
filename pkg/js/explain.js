import { TRANSPORTS, codeOf, remedyOf } from "./error.js";
import { STATES } from "./perform.js";

const KINDS = ["state", "open", "opened", "ready", "take", "ended", "wait", "token", "side-probe", "goaway", "gap", "climb", "offered", "answered", "mend", "mended"];
const DETAILS = {
  state: (a, b) => `${STATES[a]} → ${STATES[b]}`,
  ready: (a) => `${a} ms`,
  wait: (a) => `${a} ms`,
  token: (a) => ["asked for", "refused, a fresh one is asked for", "expires, a fresh one is asked for"][a],
  "side-probe": (a) => (a ? `HTTP ${a}` + (a === 426 ? ": this server has no WebSocket here" : "") : "no answer"),
  goaway: (a) => `within ${a} ms`,
  climb: (a) => `in ${a} ms`,
};

/** The session's account of itself, from the log. */
export function explain(host, guarantee) {
  const attempts = new Map();
  const timeline = [];
  for (const [at, number, id, carried, a, b] of host.log) {
    const what = KINDS[number];
    const transport = TRANSPORTS[carried];
    const code = what === "ended" ? codeOf(a, b) : undefined;
    const entry = { at, what };
    const detail = code ?? DETAILS[what]?.(a, b);
    if (detail) entry.detail = detail;
    if (id) Object.assign(entry, { attempt: id, transport });
    timeline.push(entry);
    if (!id) continue;
    const attempt = attempts.get(id) ?? { id, transport, address: host.addressOf(id), startedAt: at, outcome: "opening" };
    attempts.set(id, attempt);
    const after = at - attempt.startedAt;
    if (what === "opened") Object.assign(attempt, { openedAfter: after, outcome: "greeting" });
    if (what === "ready") Object.assign(attempt, { readyAfter: after, outcome: "proven" });
    if (what === "take") Object.assign(attempt, { takenAfter: after, outcome: "carrying" });
    if (code) {
      Object.assign(attempt, { endedAfter: after, outcome: "ended", code });
      if (b >= 1000) attempt.closeCode = b;
      else if (b) attempt.status = b;
      const texts = remedyOf(code);
      if (texts) attempt.diagnosis = texts.join("; ");
    }
  }
  const list = [...attempts.values()];
  const { heartbeat, poll } = host.json?.options ?? {};
  const unseen = { sse: host.native, "long-poll": poll?.held }[host.transport];
  const halfOpenDetection = !host.json || !!(heartbeat && !unseen);
  const startedAt = new Date(performance.timeOrigin + host.origin).toISOString();
  return { startedAt, state: host.state, transport: host.transport, lastHeardAt: host.heardAt && host.heardAt - host.origin, guarantee, halfOpenDetection, attempts: list, timeline, summary: summarise(host, list, halfOpenDetection) };
}

function summarise(host, attempts, halfOpenDetection) {
  const link = host.transport ? ` over ${host.transport}` : "";
  const rtt = host.transport && host.stats.rtt !== null ? `, round trip ${host.stats.rtt} ms` : "";
  const { message, remediation, transport, code } = host.problem ?? {};
  const lines = [`The session is ${host.state}${link}${rtt}${message ? ": " + message : ""}${remediation ? "; " + remediation : ""}.`];
  const told = new Set([transport + code]);
  for (const { transport, code, diagnosis, status } of attempts.toReversed()) {
    if (!diagnosis || told.has(transport + code)) continue;
    told.add(transport + code);
    lines.push(`${transport}: ${diagnosis}${status ? ` (HTTP ${status})` : ""}.`);
  }
  if (!halfOpenDetection) lines.push("No heartbeat is visible here, so a silent link is not noticed.");
  return lines.join("\n");
}
