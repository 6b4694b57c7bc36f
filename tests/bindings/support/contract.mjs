// What each binding owes its apps, whatever the framework.

import assert from "node:assert/strict";

import { forNode } from "./bundle.mjs";

/** Checks it of the app at `/app.js`; `server` is the same app for Node, `suspends` says whether components may wait before they are shown. */
export function contract(world, server, { suspends = false } = {}) {
  /** Takes what follows in the page to this suite's server. */
  const begin = (evaluate) =>
    evaluate(async (server) => {
      Object.assign(window, { server, made: [], app: await import("/app.js") });
      window.place = () => document.body.appendChild(document.createElement("div"));
      window.shows = (place, selector, text) => harness.until(() => place.querySelector(selector)?.textContent === text, 15_000, () => `${selector} is ${text}, not ${place.innerHTML}`);
      window.over = (session) => harness.until(() => session.state === "closed", 15_000, () => session.state);
    }, world.server.faulty);
  const check = (title, run, options) =>
    world.check(title, async (evaluate) => {
      const before = (await world.server.connections()).websocket;
      await begin(evaluate);
      const opened = async () => (await world.server.connections()).websocket.opened - before.opened;
      await run(evaluate, opened);
      // Whatever it was, nothing of it stays open.
      await world.server.until(({ websocket }) => websocket.live <= before.live);
    }, options);
  const checkQuiet = (title, run, options) =>
    check(title, async (evaluate, opened) => {
      await run(evaluate, opened);
      assert.deepEqual((await world.browser.told()).warnings, []);
    }, options);

  checkQuiet("one session while it is mounted, its state shown, each message heard once", async (evaluate, opened) => {
    const lines = await evaluate(async () => {
      const root = place();
      const { unmount } = app.mount(root, app.Room, { room: "blue" });
      await shows(root, "p", "connected");
      root.querySelector("button").click();
      await shows(root, "ul", "from blue");
      root.querySelector("button").click();
      await made[0].request("ECHO", {});
      await shows(root, "ul", "from bluefrom blue");
      const lines = root.querySelectorAll("li").length;
      unmount();
      await over(made[0]);
      return [lines, made.length];
    });
    assert.deepEqual(lines, [2, 1]);
    assert.equal(await opened(), 1);
  });

  checkQuiet("another key is another session, and the first is closed", async (evaluate, opened) => {
    const lines = await evaluate(async () => {
      const root = place();
      const { update, unmount } = app.mount(root, app.Room, { room: "blue" });
      await shows(root, "p", "connected");
      update({ room: "green" });
      await harness.until(() => made.length === 2);
      await over(made[0]);
      await shows(root, "p", "connected");
      root.querySelector("button").click();
      await shows(root, "ul", "from green");
      unmount();
      await over(made[1]);
      return made.length;
    });
    assert.equal(lines, 2);
    assert.equal(await opened(), 2);
  });

  if (suspends) {
    checkQuiet("one that suspends before it is shown makes nothing until it is", async (evaluate, opened) => {
      const seen = await evaluate(async () => {
        const [gone, root] = [place(), place()];
        const abandoned = app.mount(gone, app.Suspended, { until: new Promise(() => {}) });
        await shows(gone, "p", "waiting");
        abandoned.unmount();
        let resolve;
        const until = new Promise((done) => (resolve = done));
        const { unmount } = app.mount(root, app.Suspended, { until });
        await shows(root, "p", "waiting");
        const before = made.length;
        resolve();
        await shows(root, "p", "connected");
        unmount();
        await over(made[0]);
        return [before, made.length];
      });
      assert.deepEqual(seen, [0, 1]);
      assert.equal(await opened(), 1);
    });
  }

  checkQuiet("components with the same function and key share a session, until the last of them is gone", async (evaluate, opened) => {
    const seen = await evaluate(async () => {
      const roots = [place(), place(), place()];
      const [first, second, other] = roots.map((root, i) => app.mount(root, app.Room, { room: i < 2 ? "blue" : "green" }));
      for (const root of roots) await shows(root, "p", "connected");
      roots[0].querySelector("button").click();
      for (const root of roots.slice(0, 2)) await shows(root, "ul", "from blue");
      const heard = roots[2].querySelectorAll("li").length;
      first.unmount();
      const echo = await made[0].request("ECHO", 7);
      const { state } = made[0];
      second.unmount();
      other.unmount();
      await Promise.all(made.map(over));
      return { made: made.length, heard, echo, state };
    });
    assert.deepEqual(seen, { made: 2, heard: 0, echo: 7, state: "connected" });
    assert.equal(await opened(), 2);
  });

  checkQuiet("one that is mounted in the same turn finds it open; one that comes later, a new one", async (evaluate, opened) => {
    const seen = await evaluate(async () => {
      const roots = [place(), place(), place()];
      const first = app.mount(roots[0], app.Room, { room: "blue" });
      await shows(roots[0], "p", "connected");
      first.unmount();
      const second = app.mount(roots[1], app.Room, { room: "blue" });
      await shows(roots[1], "p", "connected");
      await made[0].request("ECHO");
      const kept = made.length;
      second.unmount();
      await over(made[0]);
      const third = app.mount(roots[2], app.Room, { room: "blue" });
      await shows(roots[2], "p", "connected");
      third.unmount();
      await over(made[1]);
      return [kept, made.length];
    });
    assert.deepEqual(seen, [1, 2]);
    assert.equal(await opened(), 2);
  });

  checkQuiet("a session that the app ends itself is shown so, and not made anew", async (evaluate) => {
    const seen = await evaluate(async () => {
      const root = place();
      const { unmount } = app.mount(root, app.Room, { room: "blue" });
      await shows(root, "p", "connected");
      await made[0].close();
      await shows(root, "p", "closed");
      unmount();
      return made.length;
    });
    assert.equal(seen, 1);
  });

  checkQuiet("rendered on a server it makes nothing; in the page it is hydrated without a word", async (evaluate, opened) => {
    globalThis.made = [];
    const { render, Room, Talk } = await forNode(server);
    const html = await render(Room, { room: "blue" });
    assert.match(html, /<p>(<!--.*?-->)*idle/);
    assert.match(await render(Talk, {}), /<button[^>]*>(<!--.*?-->)*off/);
    assert.deepEqual(globalThis.made, []);
    const seen = await evaluate(async (html) => {
      const root = place();
      root.innerHTML = html;
      const [button] = root.querySelectorAll("button");
      const { unmount } = app.hydrate(root, app.Room, { room: "blue" });
      await shows(root, "p", "connected");
      const kept = root.querySelector("button") === button;
      button.click();
      await shows(root, "ul", "from blue");
      unmount();
      await over(made[0]);
      return { kept, made: made.length };
    }, html);
    assert.deepEqual(seen, { kept: true, made: 1 });
    assert.equal(await opened(), 1);
  });

  checkQuiet("its voice: the microphone's state and who speaks", async (evaluate) => {
    const seen = await evaluate(async () => {
      const root = place();
      const { unmount } = app.mount(root, app.Talk);
      await shows(root, "button", "off");
      await harness.until(() => made[0]?.state === "connected");
      const button = root.querySelector("button");
      button.click();
      await shows(root, "button", "on");
      // Speech is what comes after quiet.
      const levels = [];
      made[0].audio.on("level", ({ level }) => levels.push(level));
      made[0].audio.mute();
      await harness.until(() => levels.length > 3 && levels.slice(-3).every((level) => level === 0));
      made[0].audio.unmute();
      await harness.until(() => button.className === "speaking", 10_000, () => root.innerHTML);
      button.click();
      await shows(root, "button", "off");
      unmount();
      await over(made[0]);
      return [made.length, button.className];
    });
    assert.deepEqual(seen, [1, ""]);
  });

  return { check, checkQuiet };
}
