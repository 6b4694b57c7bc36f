// What a framework's routes, hydration and hot updates do to a session.

import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Milliseconds until a page must show what it is to show: a server in development compiles it first. */
const LONGEST = 60_000;

/**
 * Goes through an app: `/`, a room and its outcome; `/about`, without a session; back; `/room`, the same room on another page; and in development an edit of that room while it is open.
 * Resolves with the line to print.
 */
export async function journey(name, { edits }, mode, app, gateway, { server, browser }) {
  const say = randomUUID();
  const wrong = [];
  await browser.open("about:blank");
  await browser.complaints();
  await server.until(({ websocket }) => !websocket.live);
  const before = (await server.connections()).websocket.opened;
  /** Holds the server to one session at a time, the `count`th of this journey, or to none that lives. */
  const sessions = async (when, count, live = 1) => {
    await server.until(({ websocket }) => websocket.live === live);
    const opened = (await server.connections()).websocket.opened - before;
    if (opened !== count) wrong.push(`${when}: ${opened} sessions were opened, not ${count}`);
  };
  const shows = (selector, text) =>
    browser.until((selector, text) => document.querySelector(selector)?.textContent.includes(text), LONGEST, selector, text);
  const go = (path) => browser.evaluate((path) => document.querySelector(`nav a[href="${path}"]`).click(), path);

  const html = await (await fetch(`${gateway.url}/`)).text();
  if (!/<section[^>]*><p>(<!--.*?-->)*idle/.test(html)) wrong.push(`the server renders ${html}`);

  await browser.open(`${gateway.url}/?${new URLSearchParams({ server: server.faulty, say })}`);
  if ((await browser.outcome(LONGEST)) !== say) wrong.push("no outcome after hydration");
  await shows("section p", "connected");
  await sessions("after hydration", 1);

  await go("/about");
  await shows("p", "Rooms: blue, green");
  await sessions("on a page without", 1, 0);

  await browser.evaluate(() => {
    delete document.documentElement.dataset.outcome;
    history.back();
  });
  if ((await browser.outcome(LONGEST)) !== say) wrong.push("no outcome after coming back");
  await sessions("after coming back", 2);

  await browser.evaluate(() => (document.querySelector("main").dataset.page = "first"));
  await go("/room");
  await browser.until(() => document.querySelector("main:not([data-page]) section p")?.textContent === "connected", LONGEST);
  await sessions("on another page with the same room", 2);

  if (mode === "dev") {
    await browser.evaluate(() => (window.same = true));
    await edit(join(app, edits.file), edits.from, edits.to);
    await shows("section button", edits.to.slice(1, -1));
    await browser.evaluate(() => document.querySelector("section button").click());
    await shows("section ul", "from blue");
    if (!(await browser.evaluate(() => window.same))) wrong.push("an edit reloads the page");
    await sessions("after an edit", 2);
  }

  wrong.push(...(await browser.complaints()));
  await browser.open("about:blank");
  await sessions("at the end", 2, 0);
  return { name: `${name}.journey`, value: (await server.connections()).websocket.opened - before, unit: "sessions", ok: !wrong.length, ...(wrong.length && { wrong }) };
}

async function edit(path, from, to) {
  const text = await readFile(path, "utf8");
  if (text.split(from).length !== 2) throw new Error(`${path} does not have ${from} once`);
  await writeFile(path, text.replace(from, to));
}
