// What a framework's routes, hydration and hot updates do to a session.

import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Milliseconds until a page must show what it is to show: a server in development compiles it first. */
const LONGEST = 60_000;

/**
 * Goes through an app: `/`, a room and its outcome; `/about`, without a session; back; `/room`, the same room on another page; and in development edits of that room while it is open.
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
    await server.until(({ websocket }) => websocket.live === live).catch(() => {});
    const { websocket } = await server.connections();
    const seen = { opened: websocket.opened - before, live: websocket.live };
    if (seen.opened !== count || seen.live !== live) wrong.push(`${when}: ${JSON.stringify(seen)}, not ${JSON.stringify({ opened: count, live })}`);
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

  await browser.evaluate(() => (document.querySelector("section").dataset.page = "first"));
  await go("/room");
  await browser.until(() => document.querySelector("section:not([data-page]) p")?.textContent === "connected", LONGEST);
  await sessions("on another page with the same room", 2);

  if (mode === "dev") {
    await browser.evaluate(() => (window.same = true));
    const echoes = async (times) => {
      await browser.evaluate(() => document.querySelector("section button").click());
      await browser.until((times) => document.querySelectorAll("section li").length === times, LONGEST, times);
    };
    const { component, session } = edits;
    await edit(join(app, component.file), component.from, component.to);
    await shows("section button", component.to.slice(1, -1));
    await sessions("after an edit of the component", 2);
    const lines = await browser.evaluate(() => document.querySelectorAll("section li").length);
    await echoes(lines + 1);
    await edit(join(app, session.file), session.from, session.to);
    await server.until(({ websocket }) => websocket.opened - before === 3).catch(() => {});
    await sessions("after an edit of what makes the session", 3);
    await shows("section p", "connected");
    if (!(await browser.evaluate(() => window.same))) wrong.push("an edit reloads the page");
  }

  wrong.push(...(await browser.complaints()));
  await browser.open("about:blank");
  await sessions("at the end", mode === "dev" ? 3 : 2, 0);
  return { name: `${name}.journey`, value: (await server.connections()).websocket.opened - before, unit: "sessions", ok: !wrong.length, ...(wrong.length && { wrong }) };
}

async function edit(path, from, to) {
  const text = await readFile(path, "utf8");
  if (text.split(from).length !== 2) throw new Error(`${path} does not have ${from} once`);
  await writeFile(path, text.replace(from, to));
}
