// Does what the core asks for: outputs to transports, the alarm and the token function, events to the application.

import { sideProbe } from "../../src/transport/fetch.js";
import { message } from "../../src/transport/unit.js";
import {
  ALARM, ASK_HTTP, CARRIED_BY, CONTROL, DRAINED, DROP, GAP, GONE, HELLO, MEND, MESSAGE, NEED_TOKEN, NOTE, OPEN, REMEMBER,
  RETRY_IN, ROUND_TRIP, SETTLED, STATE, TRANSMIT, TROUBLE,
} from "./core.js";
import { TRANSPORTS, errorOf } from "./error.js";
import { remember } from "./memory.js";

export const STATES = ["idle", "connecting", "connected", "reconnecting", "suspended", "closing", "closed", "failed"];
const CONTROLS = ["take", "ack", "ping", "pong", "close", "auth"];
const TAKE = 0;
const ACK = 1;
const AUTH = 5;

/** Does what a turn's numbers say. Events come last in them, since listeners may call back. */
export function perform(host, numbers) {
  const rest = numbers.values();
  const next = () => rest.next().value;
  const nonce = () => [next(), next(), next(), next()].map((word) => word.toString(16).padStart(8, "0")).join("");
  let unit = [];
  let fence = 0;
  /** Sends that nobody takes any more: told why once that is known. */
  const gone = [];
  for (let kind; (kind = next()) !== undefined; ) {
    switch (kind) {
      case OPEN: {
        const attempt = next();
        host.links.set(attempt, host.kit.openers[next()](host, attempt, nonce()));
        break;
      }
      case HELLO:
        unit.push({ hello: { version: 1, session: host.names[next()], received: next(), ...(host.identity = { connect: nonce(), instance: nonce() }) } });
        break;
      case MESSAGE: {
        const [n, request, ticket] = [next(), next(), next()];
        const send = host.sends.get(ticket);
        if (!send) break;
        send.written = true;
        unit.push(message(n, request, send.body));
        host.keep?.put(ticket, send, n);
        break;
      }
      case CONTROL: {
        const [name, a, b] = [next(), next(), next()];
        if (name === TAKE) fence = a;
        if (name <= ACK) host.keep?.received(name === TAKE ? b : a);
        const rest = name === AUTH ? JSON.stringify(host.token) : b < 0 ? a : a + "," + b;
        unit.push(`["${CONTROLS[name]}",${rest}]`);
        break;
      }
      case TRANSMIT: {
        const link = host.links.get(next());
        if (fence) {
          host.keep?.take(link.session, fence, host.identity);
          host.owner = link;
          host.moved?.();
        }
        link?.send(unit);
        unit = [];
        fence = 0;
        break;
      }
      case DROP: {
        const attempt = next();
        host.links.get(attempt)?.close();
        host.links.delete(attempt);
        break;
      }
      case MEND:
        host.links.get(next())?.mend?.();
        break;
      case NEED_TOKEN:
        host.askToken(next());
        break;
      case ASK_HTTP:
        sideProbe(host);
        break;
      case NOTE:
        host.note([next(), next(), next(), next(), next()]);
        break;
      case ALARM:
        host.setAlarm(next());
        break;
      case STATE: {
        const [from, to] = [STATES[next()], STATES[next()]];
        const error = errorOf(next, to === "failed", host);
        if (to === "reconnecting") host.stats.lost++;
        if (to === "closed" || to === "failed") host.end(to, error);
        else {
          host.state = to;
          host.problem = error;
          host.listeners.emit("state", { from, to, error });
          if (to === "connected") host.tellRecovered();
        }
        break;
      }
      case RETRY_IN:
        host.listeners.emit("retry", { inMs: next() });
        break;
      case CARRIED_BY: {
        const [from, to] = [TRANSPORTS[next()] ?? null, TRANSPORTS[next()] ?? null];
        host.transport = /** @type {any} */ (to);
        host.moved?.();
        host.listeners.emit("transport", { from, to });
        break;
      }
      case TROUBLE:
        host.trouble(errorOf(next, false, host));
        break;
      case SETTLED: {
        const [ticket, outcome] = [next(), next()];
        if (outcome !== GONE) host.settle(ticket, outcome);
        else {
          gone.push(ticket);
          host.keep?.drop(ticket, 0);
        }
        break;
      }
      case GAP:
        host.listeners.emit("gap", { received: next(), unknown: next() });
        break;
      case DRAINED:
        host.listeners.emit("drained", {});
        break;
      case REMEMBER: {
        const [carried, rtt] = [next(), next()];
        if (host.options.remember !== false) remember(host.key(), carried, rtt, host.json);
        break;
      }
      case ROUND_TRIP:
        host.carrier = next();
        host.stats.rtt = next();
        host.listeners.emit("rtt", { ms: host.stats.rtt });
    }
  }
  for (const ticket of gone) host.settle(ticket, GONE);
}
