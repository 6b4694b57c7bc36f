// A reload goes on with the session: nothing is lost or doubled by it, and who waited is told what came of it.

import assert from "node:assert/strict";

import { startServer } from "./support/server.mjs";
import { inBrowsers } from "./support/suite.mjs";

const TRANSPORTS = ["websocket", "sse", "long-poll"];
const QUICK = { backoff: [50, 100, 200, 400] };

let names = 0;

inBrowsers((world) => {
  const direct = () => `${world.server.url}/realtime`;
  const faulty = () => `${world.server.faulty}/realtime`;
  const reload = () => world.browser.driver.navigate().refresh();
  /** Options of a session that no other test recovers. */
  const recovering = (url, more) => ({ url, timing: QUICK, recover: `session-${++names}`, ...more });

  /**
   * Opens, or goes on with, a session that sends a number every 20 ms and writes down what it hears, in this page and in those after
   * it: `window.talk` has `sent`, `echoes` and `comments` of all pages, and the `pending` of this one.
   */
  const converse = (evaluate, options, show) =>
    evaluate(async (options, show) => {
      const { recover } = options;
      const [sent, echoes, comments] = ["sent", "echoes", "comments"].map((name) => harness.diary(`${recover} ${name}`));
      const { session, record } = await harness.open(options);
      const talk = { session, record, sent, echoes, comments, sends: [], outcomes: [] };
      window.talk = talk;
      session.on("recovered", ({ pending }) => {
        talk.pending = pending.map(({ type, payload }) => ({ type, payload }));
        talk.settled = Promise.all(pending.map(({ settled }) => harness.outcome(settled)));
      });
      session.on("ECHO", (n) => echoes.push(n));
      session.on("COMMENT", ({ text }) => comments.push(Number(text)));
      await harness.until(() => session.state === "connected", 20_000, () => JSON.stringify([record.errors, session.explain()]));
      if (!sent.list.length) await session.send("SUBSCRIBE", { topic: `shows/${show}` });
      const say = () => {
        const n = sent.list.length;
        sent.push(n);
        const outcome = harness.outcome(session.send("ECHO", n));
        talk.sends.push(outcome);
        outcome.then(({ error }) => error && talk.outcomes.push(error));
      };
      talk.timer = setInterval(say, 20);
      const before = echoes.list.length;
      await harness.until(() => echoes.list.length > before + 5, 15_000, () => JSON.stringify([talk.pending, record.errors, session.explain()]));
    }, options, show);

  /** Ends the conversation and says what all its pages heard. */
  const conclude = (evaluate, published) =>
    evaluate(async (published) => {
      const { session, record, sent, echoes, comments, sends, outcomes, timer, pending, settled } = window.talk;
      clearInterval(timer);
      await Promise.all(sends);
      const state = () => JSON.stringify({ sent: sent.list.length, echoes: echoes.list, published, comments: comments.list, pending, explained: session.explain() });
      await harness.until(() => echoes.list.length >= sent.list.length && comments.list.length >= published, 20_000, state);
      const inOrder = ({ list }, count) => list.length === count && list.every((n, i) => n === i);
      const up = inOrder(echoes, sent.list.length);
      const down = inOrder(comments, published);
      const refused = [...outcomes, ...(await settled ?? []).map(({ error }) => error)].filter(Boolean);
      const account = state();
      await session.close();
      return { up, down, refused, gaps: record.gaps, pending, errors: record.errors, account };
    }, published);

  /** Opens a tab with the page's address and a copy of what its `sessionStorage` holds, and returns its handle. */
  const duplicate = async (evaluate) => {
    const { driver } = world.browser;
    const before = await driver.getAllWindowHandles();
    if (world.name === "webkit") {
      // It opens no window unless somebody clicks.
      const copy = await evaluate(() => [location.href, Object.entries(sessionStorage)]);
      await driver.switchTo().newWindow("tab");
      await world.browser.open(copy[0]);
      await evaluate((entries) => entries.forEach(([name, value]) => sessionStorage.setItem(name, value)), copy[1]);
    } else await evaluate(() => void window.open(location.href));
    const opened = async () => (await driver.getAllWindowHandles()).find((handle) => !before.includes(handle));
    const handle = await driver.wait(opened, 10_000);
    await driver.switchTo().window(handle);
    await driver.wait(() => driver.executeScript("return !!window.harness"), 10_000);
  };

  for (const transport of TRANSPORTS) {
    world.check(`${transport}: a reload in mid-stream loses and doubles nothing, and the sends whose promises died are listed`, async (evaluate, t) => {
      // Slow acknowledgements, so that there are such sends.
      await world.server.faults({ kind: "delay", ms: 60 });
      const options = recovering(faulty(), { transports: [transport] });
      const show = options.recover;
      await converse(evaluate, options, show);
      const feed = world.server.publish(show);
      t.after(() => feed.stop().catch(() => {}));
      for (let reloads = 0; reloads < 3; reloads++) {
        await reload();
        await converse(evaluate, options, show);
        const { pending, sent } = await evaluate(() => ({ pending: window.talk.pending, sent: window.talk.sent.list.length }));
        assert.ok(pending?.length, "some were under way");
        assert.ok(pending.every(({ type, payload }, i) => type === "ECHO" && payload === pending[0].payload + i && payload < sent), JSON.stringify(pending));
      }
      const seen = await conclude(evaluate, await feed.stop());
      assert.deepEqual([seen.up, seen.down, seen.gaps, seen.refused], [true, true, 0, []], seen.account);
      assert.deepEqual(seen.errors, []);
    });
  }

  world.check("requests of a page do not take the replies to the page before it", async (evaluate) => {
    await world.server.faults({ kind: "delay", ms: 200 });
    const options = recovering(faulty(), { transports: ["websocket"] });
    await evaluate(async (options) => {
      const { session } = await harness.connected(options);
      for (let n = 0; n < 20; n++) session.request("ECHO", `first ${n}`).catch(() => {});
    }, options);
    await reload();
    const seen = await evaluate(async (options) => {
      const { session, record } = await harness.connected(options);
      const asked = Array.from({ length: 20 }, (_, n) => `second ${n}`);
      const replies = await Promise.all(asked.map((text) => session.request("ECHO", text)));
      await session.close();
      return { right: replies.every((reply, i) => reply === asked[i]), gaps: record.gaps, errors: record.errors };
    }, options);
    assert.deepEqual(seen, { right: true, gaps: 0, errors: [] });
  });

  world.check("bytes, and lives of messages, outlast a reload", async (evaluate) => {
    await world.server.faults({ kind: "down" });
    const options = recovering(faulty(), { transports: ["websocket"] });
    await evaluate(async (options) => {
      const { session } = await harness.open(options);
      session.on("error", () => {});
      await harness.until(() => session.stats().attempts);
      session.send("ECHO", new Uint8Array([0, 1, 254, 255])).catch(() => {});
      session.send("ECHO", "stale", { ttl: 1 }).catch(() => {});
      session.send("ECHO", "patient", { ttl: 60_000 }).catch(() => {});
      await harness.until(() => session.stats().buffered.messages === 2);
    }, options);
    await reload();
    await world.server.faults();
    const seen = await evaluate(async (options) => {
      const { session, record } = await harness.open(options);
      session.on("error", () => {});
      const recovered = new Promise((resolve) => session.once("recovered", resolve));
      const { pending } = await recovered;
      await Promise.all(pending.map(({ settled }) => settled));
      await harness.until(() => record.messages.length >= 2);
      await session.close();
      const plain = (payload) => (payload instanceof Uint8Array ? [...payload] : payload);
      return { pending: pending.map(({ payload }) => plain(payload)), echoes: record.messages.map(({ payload }) => plain(payload)) };
    }, options);
    assert.deepEqual(seen, { pending: [[0, 1, 254, 255], "patient"], echoes: [[0, 1, 254, 255], "patient"] });
  });

  world.check("a duplicated tab gets a session of its own, and the first is unharmed", async (evaluate) => {
    const { driver } = world.browser;
    const options = recovering(direct());
    await evaluate(async (options) => {
      window.opened = await harness.connected(options);
      await window.opened.session.request("ECHO", "first");
    }, options);
    const first = await driver.getWindowHandle();
    await duplicate(evaluate);
    try {
      const copied = await evaluate(() => Object.keys(sessionStorage).filter((name) => name.startsWith("throughline:")).length);
      assert.ok(copied > 0, "the tab has a copy of what the first one keeps");
      const duplicate = await evaluate(async (options) => {
        const { session, record } = await harness.open(options);
        let recovered = 0;
        session.on("recovered", () => recovered++);
        await harness.until(() => session.state === "connected");
        window.opened = { session, record };
        const echo = await session.request("ECHO", "second");
        await session.send("ECHO", "for the second alone");
        await harness.until(() => record.messages.length);
        return { recovered, echo, errors: record.errors, gaps: record.gaps };
      }, options);
      assert.deepEqual(duplicate, { recovered: 0, echo: "second", errors: [], gaps: 0 });
      // It keeps its own session from then on.
      await reload();
      const again = await evaluate(async (options) => {
        const { session, record } = await harness.open(options);
        const recovered = new Promise((resolve) => session.once("recovered", ({ pending }) => resolve(pending.length)));
        const pending = await recovered;
        const echo = await session.request("ECHO", "second again");
        await session.close();
        return { pending, echo, gaps: record.gaps };
      }, options);
      assert.deepEqual(again, { pending: 0, echo: "second again", gaps: 0 });
    } finally {
      await driver.close();
      await driver.switchTo().window(first);
    }
    const seen = await evaluate(async () => {
      const { session, record } = window.opened;
      await session.send("ECHO", "for the first");
      await harness.until(() => record.messages.length);
      const { lost, attempts } = session.stats();
      await session.close();
      return { echoes: record.messages.map(({ payload }) => payload), states: record.states.map(({ to }) => to), lost, attempts, gaps: record.gaps };
    });
    assert.deepEqual(seen, { echoes: ["for the first"], states: ["connecting", "connected", "closing", "closed"], lost: 0, attempts: 1, gaps: 0 });
  });

  world.check("two sessions of a page are recovered apart", async (evaluate) => {
    const [one, two] = [recovering(direct()), recovering(direct())];
    const both = async (one, two) => {
      const opened = await Promise.all([harness.connected(one), harness.connected(two)]);
      const echoes = await Promise.all(opened.map(({ session }, i) => session.request("ECHO", i)));
      return { echoes, gaps: opened.map(({ record }) => record.gaps), received: opened.map(({ record }) => record.messages.length) };
    };
    const before = await evaluate(both, one, two);
    await reload();
    assert.deepEqual(await evaluate(both, one, two), before);
  });

  world.check("close() leaves nothing for the page after it", async (evaluate) => {
    const options = recovering(direct());
    const kept = () => Object.keys(sessionStorage).filter((name) => name.startsWith("throughline:"));
    await evaluate(() => sessionStorage.clear());
    const [during, after] = await evaluate(async (options, kept) => {
      const keys = new Function(`return (${kept})()`);
      const { session } = await harness.connected(options);
      await session.request("ECHO", 1);
      const during = keys().length;
      await session.close();
      return [during, keys()];
    }, options, String(kept));
    assert.ok(during > 0);
    assert.deepEqual(after, []);
    await reload();
    const seen = await evaluate(async (options) => {
      const { session, record } = await harness.open(options);
      let recovered = 0;
      session.on("recovered", () => recovered++);
      await harness.until(() => session.state === "connected");
      await session.close();
      return { recovered, gaps: record.gaps };
    }, options);
    assert.deepEqual(seen, { recovered: 0, gaps: 0 });
  });

  const BROKEN = {
    "locks are missing": () => void Object.defineProperty(navigator, "locks", { value: undefined }),
    "storage is forbidden": () => {
      const get = () => {
        throw new DOMException("denied", "SecurityError");
      };
      Object.defineProperty(window, "sessionStorage", { get });
    },
    "storage is full": () => {
      for (let size = 1 << 20; size >= 1; size >>= 1) {
        try {
          for (let i = 0; ; i++) sessionStorage.setItem(`ballast ${size} ${i}`, "x".repeat(size));
        } catch {}
      }
    },
  };
  for (const [title, breakIt] of Object.entries(BROKEN)) {
    world.check(`where ${title}, that is told and the session works without`, async (evaluate) => {
      await evaluate(breakIt);
      const seen = await evaluate(async (options) => {
        const { session, record } = await harness.connected(options);
        const bodies = await Promise.all([session.request("ECHO", "x".repeat(10_000)), session.send("ECHO", "sent")]);
        await harness.until(() => record.messages.length);
        await session.close();
        const errors = record.errors.map(({ code, terminal, remediation }) => `${code}${terminal ? ", terminal" : ""}${remediation ? ", with a remedy" : ""}`);
        return { replied: bodies[0].length, errors: [...new Set(errors)], state: session.state };
      }, recovering(direct()));
      await world.browser.open(world.site.page());
      await evaluate(() => sessionStorage.clear());
      assert.deepEqual(seen, { replied: 10_000, errors: ["storage, with a remedy"], state: "closed" });
    });
  }

  world.check("storage that is full from the start is told once", async (evaluate) => {
    await evaluate(BROKEN["storage is full"]);
    const codes = await evaluate(async (options) => {
      const { session, record } = await harness.connected(options);
      await session.send("ECHO", "sent");
      await session.close();
      return record.errors.map(({ code }) => code);
    }, recovering(direct()));
    await evaluate(() => sessionStorage.clear());
    assert.deepEqual(codes, ["storage"]);
  });

  world.check("storage that fills up in mid-session is told once, and nothing is lost", async (evaluate) => {
    const seen = await evaluate(async (options, fill) => {
      const { session, record } = await harness.connected(options);
      await session.send("ECHO", 0);
      new Function(`return (${fill})()`)();
      const sends = Array.from({ length: 50 }, (_, n) => session.send("ECHO", n + 1));
      await Promise.all(sends);
      await harness.until(() => record.messages.length === 51);
      await session.close();
      return { inOrder: record.messages.every(({ payload }, i) => payload === i), codes: record.errors.map(({ code }) => code) };
    }, recovering(direct()), String(BROKEN["storage is full"]));
    await evaluate(() => sessionStorage.clear());
    assert.deepEqual(seen, { inOrder: true, codes: ["storage"] });
  });

  world.check("what somebody else put in the storage harms nothing", async (evaluate) => {
    const options = recovering(direct());
    const nonce = "0".repeat(32);
    const record = { key: "k", session: "nobody's", connect: nonce, instance: nonce, fence: 1, received: 0, acked: 0 };
    const records = [{ key: 5 }, { ...record, connect: "x" }, { ...record, fence: 1e99 }, { ...record, received: "1" }, record].map((record) => JSON.stringify(record));
    for (const garbage of ["not json", "null", "5", "[]", "{}", ...records]) {
      const seen = await evaluate(async (options, garbage) => {
        sessionStorage.clear();
        sessionStorage.setItem(`throughline:${options.recover}`, garbage);
        const { session, record } = await harness.connected(options);
        const echo = await session.request("ECHO", "fine");
        await session.close();
        return { echo, terminal: record.errors.filter(({ terminal }) => terminal) };
      }, options, garbage).catch((error) => assert.fail(`${garbage}: ${error.message}`));
      assert.deepEqual(seen, { echo: "fine", terminal: [] }, garbage);
    }
  });

  world.check("sends that somebody else put in the storage harm nothing", async (evaluate) => {
    const options = recovering(direct());
    for (const garbage of ["not json", "null", "{}", '{"text":5}', '{"n":1,"text":"no JSON"}', '{"n":1,"text":"\"ECHO\",1","bytes":"many"}', '{"n":1,"data":"%%%","text":"\"ECHO\""}']) {
      const seen = await evaluate(async (options, garbage) => {
        sessionStorage.clear();
        const nonce = "0".repeat(32);
        const record = { key: "k", session: "nobody's", connect: nonce, instance: nonce, fence: 1, received: 0, acked: 0 };
        sessionStorage.setItem(`throughline:${options.recover}`, JSON.stringify(record));
        sessionStorage.setItem("throughline:k 1", garbage);
        const { session } = await harness.connected(options);
        const echo = await session.request("ECHO", "fine");
        await session.close();
        return echo;
      }, options, garbage).catch((error) => assert.fail(`${garbage}: ${error.message}`));
      assert.equal(seen, "fine", garbage);
    }
  });

  world.check("a page that is reloaded while it is offline sends what waited once it is back", async (evaluate) => {
    const options = recovering(faulty());
    await evaluate(async (options) => {
      window.opened = await harness.connected(options);
      await window.opened.session.request("ECHO", "before");
    }, options);
    await world.server.faults({ kind: "down" });
    await evaluate(async () => {
      const { session } = window.opened;
      await harness.until(() => session.state === "reconnecting");
      for (let n = 0; n < 3; n++) session.send("ECHO", n).catch(() => {});
      await harness.until(() => session.stats().buffered.messages === 3);
    });
    await reload();
    await evaluate(async (options) => {
      window.opened = await harness.open(options);
      const { session } = window.opened;
      session.on("error", () => {});
      window.pending = new Promise((resolve) => session.once("recovered", ({ pending }) => resolve(pending)));
      await harness.until(() => session.stats().attempts);
      window.sends = [3, 4].map((n) => session.send("ECHO", n));
    }, options);
    await world.server.faults();
    const seen = await evaluate(async () => {
      const { session, record } = window.opened;
      const pending = await window.pending;
      await Promise.all([...pending.map(({ settled }) => settled), ...window.sends]);
      await harness.until(() => record.messages.length >= 5);
      await session.close();
      return { pending: pending.map(({ payload }) => payload), echoes: record.messages.map(({ payload }) => payload), gaps: record.gaps };
    });
    assert.deepEqual(seen, { pending: [0, 1, 2], echoes: [0, 1, 2, 3, 4], gaps: 0 });
  });

  world.check("a reload after the server's window is told of the gap, and of the sends that nobody knows of", async (evaluate) => {
    const server = await startServer({ more: ["--window", "500"] });
    try {
      const options = recovering(`${server.faulty}/realtime`, { transports: ["websocket"] });
      await server.faults({ kind: "delay", ms: 300 });
      await evaluate(async (options) => {
        const up = harness.recordUp();
        const { session, record } = await harness.connected(options);
        session.on("ECHO", () => {});
        await Promise.all([session.send("ECHO", 1), session.send("ECHO", 2)]);
        await harness.until(() => record.messages.length === 2);
        session.send("ECHO", "who knows").catch(() => {});
        await harness.until(() => up.some((unit) => unit.includes("who knows")));
      }, options);
      await world.browser.open(world.site.page({ elsewhere: 1 }));
      const sessions = async () => (await (await fetch(`${server.url}/api/health`)).json()).sessions;
      for (let tries = 0; (await sessions()) > 0; tries++) {
        assert.ok(tries < 200, "the server forgets the session");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const seen = await evaluate(async (options) => {
        const { session, record } = await harness.open(options);
        const { pending } = await new Promise((resolve) => session.once("recovered", resolve));
        const outcomes = await Promise.all(pending.map(({ settled }) => harness.outcome(settled)));
        const echo = await session.request("ECHO", "after");
        await session.close();
        return { gap: record.gap, gaps: record.gaps, pending: pending.map(({ payload }) => payload), codes: outcomes.map(({ error }) => error?.code), echo };
      }, options);
      assert.deepEqual(seen, { gap: { received: 2, unknown: 1 }, gaps: 1, pending: ["who knows"], codes: ["outcome_unknown"], echo: "after" });
    } finally {
      await server.stop();
    }
  });

  world.check("a page that is left for another of its site hands its session on, and gets it back", async (evaluate, t) => {
    const options = recovering(direct());
    const visit = async (options) => {
      addEventListener("pageshow", ({ persisted }) => (window.persisted = persisted));
      const { session, record } = await harness.open(options);
      let recovered = 0;
      session.on("recovered", () => recovered++);
      await harness.until(() => session.state === "connected");
      const echo = await session.request("ECHO", location.search);
      return { recovered, echo, gaps: record.gaps, errors: record.errors };
    };
    assert.equal((await evaluate(visit, options)).recovered, 0);
    await world.browser.open(world.site.page({ keep: 1, next: 1 }));
    const next = await evaluate(visit, options);
    assert.deepEqual(next, { recovered: 1, echo: "?keep=1&next=1", gaps: 0, errors: [] });
    await world.browser.driver.navigate().back();
    const kept = await evaluate(() => window.persisted === true);
    t.diagnostic(kept ? "the browser kept the first page" : "the browser made the first page anew");
    if (!kept) assert.deepEqual(await evaluate(visit, options), { recovered: 1, echo: "?keep=1", gaps: 0, errors: [] });
  }, { page: { keep: 1 } });

  world.check("a page that the browser kept goes on, although another had its session meanwhile", async (evaluate) => {
    const options = recovering(direct());
    const visit = async (options) => {
      window.opened = await harness.connected(options);
      await window.opened.session.request("ECHO", 1);
    };
    await evaluate(visit, options);
    await world.browser.open(world.site.page({ keep: 1, next: 1 }));
    await evaluate(visit, options);
    await world.browser.driver.navigate().back();
    const seen = await evaluate(async (options) => {
      const { session } = (window.opened ??= await harness.connected(options));
      const outcome = await harness.outcome(session.request("ECHO", "back"));
      return { outcome, state: session.state, timeline: session.explain().timeline };
    }, options);
    assert.equal(seen.outcome.value, "back", JSON.stringify(seen));
  }, { page: { keep: 1 }, todo: world.name === "webkit" && "it lets go of the lock while it keeps the page, and the session fails with `replaced`" });

  world.check("a page that is left and come back to goes on, kept by the browser or not", async (evaluate, t) => {
    const options = recovering(direct());
    await evaluate(async (options) => {
      addEventListener("pageshow", ({ persisted }) => (window.persisted = persisted));
      window.opened = await harness.connected(options);
      await window.opened.session.request("ECHO", "before");
    }, options);
    await world.browser.open(world.site.page({ elsewhere: 1 }));
    await world.browser.driver.navigate().back();
    const seen = await evaluate(async (options) => {
      const persisted = window.persisted === true;
      const { session, record } = (window.opened ??= await harness.connected(options));
      const echo = await session.request("ECHO", "after");
      await session.close();
      return { persisted, echo, gaps: record.gaps };
    }, options);
    t.diagnostic(seen.persisted ? "the browser kept the page" : "the browser made the page anew");
    assert.deepEqual([seen.echo, seen.gaps], ["after", 0]);
  }, { page: { keep: 1 } });
});
