import { TRANSPORTS, endedWell, ending, span } from "./words.js";

const BAND = { top: 10, height: 12 };
const BAR = 12;
const TICK = 6;
const FAULT = 16;
const GRID = 5_000;

/**
 * Draws the record on a canvas: time flows to the left, one lane per transport of `lanes`.
 *
 * @param {CanvasRenderingContext2D} pen
 * @param {import("./record.js").Record} record
 * @param {{ width: number, height: number, now: number, from: number, to: number, lanes: string[], colors: object, fonts: object, chosen?: string }} view
 * @returns {{ kind: string, item: object, left: number, right: number, top: number, bottom: number }[]} what was drawn where, for the pointer
 */
export function paint(pen, record, view) {
  const { width, height, lanes, colors, fonts } = view;
  const narrow = width < 640;
  const gutter = narrow ? 46 : 106;
  const right = width - 14;
  const top = BAND.top + BAND.height + 8;
  const faultTop = height - 20 - FAULT - 4;
  const lane = (faultTop - 4 - top) / lanes.length;
  const stage = {
    ...view, pen, record, narrow, gutter, right, top, lane, faultTop, drawn: [],
    x: (at) => right - ((view.to - at) / (view.to - view.from)) * (right - gutter),
    middle: (transport) => top + lanes.indexOf(transport) * lane + lane * 0.38,
  };
  pen.clearRect(0, 0, width, height);
  pen.textBaseline = "middle";
  pen.font = fonts.small;
  paintGrid(stage);
  pen.save();
  pen.beginPath();
  pen.rect(gutter, 0, width - gutter, height);
  pen.clip();
  paintFaults(stage);
  paintStates(stage);
  paintAttempts(stage);
  paintThread(stage);
  paintMessages(stage);
  paintLabels(stage);
  pen.restore();
  paintGutter(stage);
  pen.fillStyle = colors.ink;
  if (view.now <= view.to) pen.fillRect(Math.round(stage.x(view.now)), BAND.top - 4, 1.5, faultTop + FAULT - BAND.top + 4);
  return stage.drawn;
}

function paintGrid({ pen, x, from, to, now, lanes, colors, faultTop, top, lane, gutter, right, height }) {
  pen.fillStyle = colors.line;
  for (let i = 1; i < lanes.length; i++) pen.fillRect(gutter, Math.round(top + i * lane) - 0.5, right - gutter, 1);
  pen.fillRect(gutter, faultTop - 4, right - gutter, 1);
  pen.textAlign = "center";
  for (let back = Math.ceil((now - to) / GRID) * GRID; now - back > from; back += GRID) {
    if (back < 0) continue;
    const at = x(now - back);
    pen.globalAlpha = 0.6;
    pen.fillStyle = colors.line;
    pen.fillRect(Math.round(at), BAND.top + BAND.height, 1, faultTop + FAULT - BAND.top - BAND.height);
    pen.globalAlpha = 1;
    pen.fillStyle = colors.muted;
    if (at > gutter + 14) pen.fillText(back ? `−${back / 1000} s` : "now", Math.min(at, right - 8), height - 11);
  }
}

function paintGutter({ pen, lanes, colors, fonts, gutter, narrow, middle, faultTop }) {
  pen.textAlign = "left";
  pen.font = fonts.label;
  for (const transport of lanes) {
    const { name, short, color } = TRANSPORTS[transport];
    pen.fillStyle = colors[color];
    pen.fillText(narrow ? short : name, narrow ? 8 : 16, middle(transport));
  }
  pen.font = fonts.small;
  pen.fillStyle = colors.muted;
  pen.fillText(narrow ? "state" : "session", narrow ? 8 : 16, BAND.top + BAND.height / 2);
  pen.fillText("faults", narrow ? 8 : 16, faultTop + FAULT / 2);
  pen.fillStyle = colors.line;
  pen.fillRect(gutter - 0.5, BAND.top - 4, 1, faultTop + FAULT - BAND.top + 4);
}

function paintStates({ pen, record, x, from, to, now, colors, drawn }) {
  record.states.forEach(({ at, state }, i) => {
    const until = record.states[i + 1]?.at ?? now;
    if (until < from || at > to) return;
    const [left, right] = [x(Math.max(at, from)), x(Math.min(until, to))];
    const broken = state === "reconnecting" || state === "suspended" || state === "failed";
    const live = state === "connected";
    const over = state === "closed" || state === "idle";
    pen.fillStyle = live ? colors.good : broken ? colors.bad : colors.muted;
    pen.globalAlpha = over ? 0.25 : 1;
    if (live || over) pen.fillRect(left, BAND.top, Math.max(1, right - left), BAND.height);
    else hatch(pen, left, BAND.top, Math.max(1.5, right - left), BAND.height, pen.fillStyle, 0.25);
    pen.globalAlpha = 1;
    if (broken && right - left > 58) {
      const text = span(until - at);
      const wide = pen.measureText(text).width;
      pen.fillStyle = colors.surface;
      pen.fillRect((left + right - wide) / 2 - 3, BAND.top, wide + 6, BAND.height);
      pen.fillStyle = colors.bad;
      pen.textAlign = "center";
      pen.fillText(text, (left + right) / 2, BAND.top + BAND.height / 2 + 0.5);
    }
    drawn.push({ kind: "state", item: { at, until, state }, left, right, top: BAND.top, bottom: BAND.top + BAND.height });
  });
}

function paintFaults({ pen, record, x, from, to, now, lanes, colors, top, lane, gutter, faultTop, drawn }) {
  const seen = record.faults.filter(({ at, until }) => (until ?? now) >= from && at <= to);
  const sides = ({ at, until }) => {
    const left = x(Math.max(at, from));
    return [left, Math.max(left + 3, x(Math.min(until ?? now, to)))];
  };
  for (const fault of seen) {
    const [left, right] = sides(fault);
    pen.fillStyle = colors.bad;
    pen.globalAlpha = 0.07;
    for (const transport of fault.lanes.filter((name) => lanes.includes(name))) pen.fillRect(left, top + lanes.indexOf(transport) * lane, right - left, lane);
    pen.globalAlpha = 1;
    hatch(pen, left, faultTop, right - left, FAULT, colors.bad, 0.12);
    drawn.push({ kind: "fault", item: fault, left, right, top: faultTop, bottom: faultTop + FAULT });
  }
  pen.textAlign = "left";
  let free = Infinity;
  for (const fault of seen.toReversed()) {
    const [left, right] = sides(fault);
    const wide = pen.measureText(fault.name).width;
    const start = Math.max(gutter + 5, Math.min(left + 6, x(Math.min(to, now)) - wide - 6));
    const momentary = fault.at === fault.until;
    if (start + wide + 8 > free || (!momentary && fault.until !== undefined && right - left < wide + 10)) continue;
    pen.fillStyle = colors.surface;
    pen.fillRect(start - 3, faultTop + 1, wide + 6, FAULT - 2);
    pen.fillStyle = colors.bad;
    pen.fillText(fault.name, start, faultTop + FAULT / 2 + 0.5);
    free = start;
  }
}

function paintAttempts(stage) {
  const { pen, record, x, from, to, now, colors, middle, drawn, chosen } = stage;
  const busy = {};
  for (const attempt of record.attempts) {
    const end = attempt.end ?? now;
    const above = busy[attempt.transport] ?? -Infinity;
    // Two attempts of one transport at a time: the second one runs thin, below.
    const second = attempt.start < above - 30;
    busy[attempt.transport] = Math.max(above, end);
    if (end < from || attempt.start > to) continue;
    const hue = colors[TRANSPORTS[attempt.transport].color];
    const size = second ? 5 : BAR;
    const up = middle(attempt.transport) - BAR / 2 + (second ? BAR + 3 : 0);
    const opened = Math.min(attempt.opened ?? end, end);
    const taken = Math.min(attempt.taken ?? end, end);
    const left = x(attempt.start);
    pen.lineWidth = 1.5;
    pen.strokeStyle = hue;
    if (opened > attempt.start) {
      pen.setLineDash([4, 3]);
      box(pen, left, up, x(opened) - left, size);
      pen.setLineDash([]);
    }
    if (taken > opened) {
      pen.fillStyle = hue;
      pen.globalAlpha = 0.22;
      pen.fillRect(x(opened), up, x(taken) - x(opened), size);
      pen.globalAlpha = 1;
      box(pen, x(opened), up, x(taken) - x(opened), size);
    }
    if (end > taken) {
      pen.fillStyle = hue;
      pen.fillRect(x(taken), up, x(end) - x(taken), size);
    }
    if (chosen === attempt.key) {
      pen.strokeStyle = colors.ink;
      pen.strokeRect(left - 3, up - 3, x(end) - left + 6, size + 6);
    }
    drawn.push({ kind: "attempt", item: attempt, left, right: Math.max(left + 3, x(end)), top: up - 4, bottom: up + size + 4 });
  }
}

/** The line through it all: from link to link, dotted where nothing carried the session. */
function paintThread({ pen, record, x, from, to, colors, middle }) {
  const links = record.attempts.filter(({ taken }) => taken !== undefined).sort((a, b) => a.taken - b.taken);
  pen.strokeStyle = colors.ink;
  pen.fillStyle = colors.ink;
  for (let i = 1; i < links.length; i++) {
    const [last, next] = [links[i - 1], links[i]];
    const left = Math.min(last.end ?? next.taken, next.taken);
    if (next.taken < from || left > to || next.key.split(".")[0] !== last.key.split(".")[0]) continue;
    const [x0, x1] = [x(left), x(next.taken)];
    const [y0, y1] = [middle(last.transport), middle(next.transport)];
    const gap = x1 - x0 > 3;
    pen.lineWidth = 2.5;
    pen.setLineDash(gap ? [3, 4] : []);
    pen.beginPath();
    pen.moveTo(x0, y0);
    const bend = gap ? Math.min(40, (x1 - x0) / 2) : 0;
    pen.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1, y1);
    pen.stroke();
    pen.setLineDash([]);
    for (const [cx, cy] of [[x0, y0], [x1, y1]]) {
      pen.beginPath();
      pen.arc(cx, cy, 4, 0, 7);
      pen.fill();
    }
  }
}

function paintMessages({ pen, record, x, from, to, colors, middle }) {
  pen.fillStyle = colors.ink;
  for (const { at, until, direction, lane, failed } of record.messages) {
    if ((until ?? to) < from || at > to) continue;
    const waited = (until ?? to) - at > 150 || until === undefined;
    if (direction === "up" && waited) {
      // What waited hangs from the session's band until a link takes it.
      pen.fillStyle = failed ? colors.bad : colors.ink;
      const [left, right] = [x(at), x(Math.min(until ?? to, to))];
      pen.fillRect(left, BAND.top + BAND.height + 3, Math.max(1, right - left), 1.5);
      pen.fillRect(left, BAND.top + BAND.height + 1, 1.5, 5);
      pen.fillStyle = colors.ink;
    }
    if (until === undefined || failed || !lane) continue;
    const y = middle(lane);
    pen.fillRect(x(until) - 0.75, direction === "up" ? y - BAR / 2 - TICK - 1 : y + BAR / 2 + 1, 1.5, TICK);
  }
}

/** Writes why attempts ended, newest first, where there is room. */
function paintLabels({ pen, record, x, from, to, now, colors, middle, right: edge }) {
  const taken = {};
  for (const attempt of record.attempts.toReversed()) {
    const { end, transport } = attempt;
    if (end === undefined || end < from || end > to) continue;
    const well = endedWell(attempt);
    const y = middle(transport);
    const at = x(end);
    pen.fillStyle = well ? colors.muted : colors.bad;
    pen.fillRect(at - 1, y - BAR / 2 - 3, 2, BAR + 6);
    // A lost race is common and harmless: its mark is enough.
    if (well && attempt.taken === undefined) continue;
    const text = ending(attempt);
    const wide = pen.measureText(text).width;
    const left = Math.min(at + 4, (now <= to ? Math.min(edge, x(now)) : edge) - wide);
    const spans = (taken[transport] ??= []);
    if (spans.some(([a, b]) => left < b && left + wide > a)) continue;
    spans.push([left - 8, left + wide + 8]);
    pen.textAlign = "left";
    pen.lineWidth = 3;
    pen.strokeStyle = colors.surface;
    pen.strokeText(text, left, y + BAR / 2 + TICK + 7);
    pen.fillText(text, left, y + BAR / 2 + TICK + 7);
  }
}

function box(pen, left, top, width, height) {
  pen.strokeRect(left + 0.75, top + 0.75, Math.max(1, width - 1.5), height - 1.5);
}

function hatch(pen, left, top, width, height, color, wash) {
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  pen.globalAlpha = wash;
  pen.fillStyle = color;
  pen.fillRect(left, top, width, height);
  pen.globalAlpha = 0.75;
  pen.strokeStyle = color;
  pen.lineWidth = 1.5;
  pen.beginPath();
  // Anchored to its own left edge, so that it moves with its bar and does not flicker.
  for (let at = left - height; at < left + width; at += 6) {
    pen.moveTo(at, top + height);
    pen.lineTo(at + height, top);
  }
  pen.stroke();
  pen.restore();
}
