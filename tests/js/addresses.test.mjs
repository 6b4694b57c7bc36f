// What a page's requests show on their way: the address is for everyone to see, so the token is not in it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

import { openLongPoll } from "../../src/transport/long-poll.js";
import { openSse } from "../../src/transport/sse.js";

const TOKEN = "sesame-4711";
const LINK = "0123456789abcdef0123456789abcdef";

/** Opens a link against a server that turns everyone away, and returns what it was asked. */
async function asked(open) {
  const requests = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    requests.push({ method: request.method, url: request.url, headers: request.headers, body });
    response.writeHead(503).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  let ends = 0;
  try {
    await new Promise((resolve, reject) => {
      const ended = () => ++ends === 2 && resolve(undefined);
      const url = `http://127.0.0.1:${server.address().port}/realtime?room=7`;
      const host = { token: TOKEN, credentials: "same-origin", locate: (_, __, use) => use(url), ended, refused: reject, tell: reject };
      open(host, 1, LINK).send([{ hello: { version: 1 } }]);
    });
  } finally {
    server.close();
  }
  return requests.sort((a, b) => a.method.localeCompare(b.method));
}

// P6.1, B1, B3, C1
for (const [name, open] of Object.entries({ openSse, openLongPoll })) {
  test(`${name}: the token is in a header, the link's name in the address`, async () => {
    const [get, post] = await asked(open);
    assert.deepEqual([get.method, post.method], ["GET", "POST"]);
    for (const [{ url, headers, body }, more] of [[get, open === openLongPoll ? "&poll=1" : ""], [post, ""]]) {
      assert.equal(url, `/realtime?room=7&link=${LINK}${more}`);
      assert.equal(headers.authorization, `Bearer ${TOKEN}`);
      assert.ok(!body.includes(TOKEN));
    }
    assert.equal(get.headers.accept, open === openSse ? "text/event-stream" : "*/*");
    assert.equal(post.body, '[["hello",{"version":1}]]');
  });
}
