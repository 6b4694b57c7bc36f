// React: what every binding owes, in StrictMode, and what only React does.

import assert from "node:assert/strict";

import { inBrowsers } from "../e2e/support/suite.mjs";
import { forPage } from "./support/bundle.mjs";
import { contract } from "./support/contract.mjs";

const modules = { "/app.js": await forPage("react.tsx"), "/refresh.js": await forPage("react/refresh.tsx") };

inBrowsers((world) => {
  const { check, checkQuiet } = contract(world, "react-server.tsx", { suspends: true });

  checkQuiet("a function written in place makes one session, and another with another key", async (evaluate) => {
    const seen = await evaluate(async () => {
      const root = place();
      const told = { renders: 0 };
      const { update, unmount } = app.mount(root, app.InPlace, { room: "blue", told });
      for (let i = 0; i < 5; i++) update({ room: "blue", told });
      await harness.until(() => made[0].state === "connected");
      const first = made.length;
      update({ room: "green", told });
      await harness.until(() => made[1]?.state === "connected");
      unmount();
      await Promise.all(made.map(over));
      return [first, made.length];
    });
    assert.deepEqual(seen, [1, 2]);
  });

  checkQuiet("a component that moves to another place keeps the session", async (evaluate, opened) => {
    const seen = await evaluate(async () => {
      const root = place();
      const { update, unmount } = app.mount(root, app.Moving, { there: false });
      await shows(root, "aside p", "connected");
      update({ there: true });
      await shows(root, "main p", "connected");
      await made[0].request("ECHO");
      unmount();
      await over(made[0]);
      return made.length;
    });
    assert.equal(seen, 1);
    assert.equal(await opened(), 1);
  });

  checkQuiet("what is hidden has no session, and meets a new one when it is shown again, not the one that was closed", async (evaluate, opened) => {
    const told = await evaluate(async () => {
      const root = place();
      const told = [];
      const { update, unmount } = app.mount(root, app.Hidden, { shown: true, told });
      await shows(root, "p", "connected");
      update({ shown: false, told });
      await over(made[0]);
      await shows(root, "p", "idle");
      told.length = 0;
      update({ shown: true, told });
      await shows(root, "p", "connected");
      unmount();
      await over(made[1]);
      return told;
    });
    assert.deepEqual([...new Set(told)], ["connecting"]);
    assert.equal(await opened(), 2);
  });

  check("a component renders again when what it selects changes, and only then", async (evaluate) => {
    const connected = await evaluate(async () => {
      window.root = place();
      window.told = { online: 0, transport: 0, made: 0, whole: 0 };
      window.mounted = app.mount(root, app.Readers, { told });
      await harness.until(() => root.querySelectorAll("i")[3]?.textContent.includes("websocket"));
      window.before = { ...told };
      // Neither a message nor a round trip is a change of status.
      await made[0].request("ECHO");
      await made[0].send("ECHO");
      return { texts: [...root.querySelectorAll("i")].map(({ textContent }) => JSON.parse(textContent)), quiet: JSON.stringify(told) === JSON.stringify(before) };
    });
    const status = { state: "connected", transport: "websocket" };
    assert.deepEqual(connected, { texts: [true, "websocket", status, status], quiet: true });
    await world.server.faults({ kind: "down" });
    await world.server.cut("websocket");
    const more = await evaluate(async () => {
      const rendered = async (state) => {
        await harness.until(() => root.querySelectorAll("i")[3].textContent.includes(state));
        const names = Object.keys(told).filter((name) => told[name] > before[name]);
        window.before = { ...told };
        return names;
      };
      const lost = await rendered("reconnecting");
      made[0].close();
      const ended = await rendered("closed");
      mounted.unmount();
      return { lost, ended };
    });
    assert.deepEqual(more, { lost: ["online", "transport", "made", "whole"], ended: ["made", "whole"] });
  });

  checkQuiet("the handler of the last render hears, without being subscribed anew", async (evaluate) => {
    const seen = await evaluate(async () => {
      const root = place();
      const told = [];
      const { unmount } = app.mount(root, app.Counter, { told });
      let subscribed = 0;
      const { on } = made[0];
      made[0].on = (...args) => (subscribed++, on.apply(made[0], args));
      for (let i = 1; i <= 3; i++) {
        made[0].send("ECHO");
        await shows(root, "p", String(i));
      }
      unmount();
      await over(made[0]);
      return { told, subscribed };
    });
    assert.deepEqual(seen, { told: [0, 1, 2], subscribed: 0 });
  });

  checkQuiet("what came before a component was there is heard once with `kept`", async (evaluate) => {
    const seen = await evaluate(async () => {
      const [root, late] = [place(), place()];
      const { unmount } = app.mount(root, app.InPlace, { room: "blue", told: {} });
      await made[0].send("ECHO", "early");
      await made[0].request("ECHO");
      const told = [];
      const heard = app.mount(late, app.Late, { told, session: made[0] });
      await harness.until(() => told.length);
      await made[0].send("ECHO", "late");
      await harness.until(() => told.length === 2);
      heard.unmount();
      unmount();
      return told;
    });
    assert.deepEqual(seen, ["early", "late"]);
  });

  checkQuiet("what the function throws reaches the error boundary; null is no session yet", async (evaluate) => {
    const seen = await evaluate(async () => {
      const [wrong, root] = [place(), place()];
      const refused = app.mount(wrong, app.Refused);
      await shows(wrong, "p", "bad_option");
      refused.unmount();
      const { update, unmount } = app.mount(root, app.Unknown, { user: null });
      await shows(root, "p", "idle");
      const before = made.length;
      update({ user: "ada" });
      await shows(root, "p", "connected");
      update({ user: null });
      await shows(root, "p", "idle");
      await over(made[0]);
      unmount();
      return [before, made.length];
    });
    assert.deepEqual(seen, [0, 1]);
  });

  check("fast refresh keeps a session whose function stays, and replaces one whose function is another", async (evaluate) => {
    const seen = await evaluate(async () => {
      const { start } = await import("/refresh.js");
      const root = place();
      const { edit, unmount } = start(root);
      await shows(root, "p", "connected, first");
      edit("second");
      await shows(root, "p", "connected, second");
      await made[0].request("ECHO");
      const kept = made.length;
      edit("third", "green");
      await shows(root, "p", "connected, third");
      await over(made[0]);
      await harness.until(() => made[1].state === "connected");
      unmount();
      await over(made[1]);
      return [kept, made.length];
    });
    assert.deepEqual(seen, [1, 2]);
  });
}, { browsers: ["chromium"], media: true, modules });
