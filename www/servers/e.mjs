// System E, a live operator console: a show's events as a stream behind a bearer token, polls as a safety net.

import { randomUUID } from "node:crypto";

import { broadcastToShow, clients, since, watch } from "./bus.mjs";
import { EventStream, Refused, bearer, log, options, send, serve, text } from "./support.mjs";

const { port, token, queryToken, heartbeat, silentAfter } = options({ port: 3005, token: "operator", queryToken: false, heartbeat: 15_000, silentAfter: 0 });

await serve({
  says: "system-e listening",
  port,
  routes: {
    "GET /api/shows/[id]/stream": handleStream,
    "GET /api/shows/[id]/events": handlePoll,
    "POST /api/debug/emit-comment": handleComment,
    "GET /api/clients": () => ({ clients: watching(), shows: Object.fromEntries(clients()) }),
  },
});

function handleStream({ request, response, params, query }) {
  authorize(request, query);
  const stream = new EventStream(response);
  let silent = false;
  const beating = heartbeat ? setInterval(() => silent || stream.comment("heartbeat"), heartbeat) : undefined;
  const falling = silentAfter ? setTimeout(() => (silent = true), silentAfter) : undefined;
  const leave = watch(params.id, (event) => {
    if (!silent) stream.send(event);
    return !silent;
  });
  log(`${watching()} clients`);
  stream.onclose(() => {
    clearInterval(beating);
    clearTimeout(falling);
    leave();
    log(`${watching()} clients`);
  });
}

function handlePoll({ request, response, params, query }) {
  authorize(request, query);
  const asked = query.get("cursor") ?? "0";
  if (!/^\d{1,15}$/.test(asked)) throw new Refused(400, "cursor must be a number");
  const { events, cursor } = since(params.id, Number(asked));
  const tag = `"${cursor}"`;
  if (!events.length && request.headers["if-none-match"] === tag) return void response.writeHead(304, { ETag: tag }).end();
  send(response, 200, { events, cursor: String(cursor) }, { ETag: tag });
}

function handleComment({ body }) {
  const showId = body.showId === undefined ? "demo" : text(body, "showId");
  const author = body.author === undefined ? "operator" : text(body, "author");
  const comment = { type: "COMMENT", id: randomUUID(), showId, author, text: text(body, "text"), timestamp: new Date().toISOString() };
  const delivered = broadcastToShow(showId, comment);
  log(`comment to ${delivered}/${clients().get(showId) ?? 0} clients`);
  return { showId, delivered };
}

function authorize(request, query) {
  const given = bearer(request) ?? (queryToken ? query.get("token") : undefined);
  if (given !== token) throw new Refused(401, "Unauthorized", { "WWW-Authenticate": "Bearer" });
}

function watching() {
  return [...clients().values()].reduce((sum, count) => sum + count, 0);
}
