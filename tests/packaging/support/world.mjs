// What all cells share: the tarball, the server, the browser.

import { startBrowser } from "../../e2e/support/browsers.mjs";
import { startServer } from "../../e2e/support/server.mjs";
import { pack } from "./install.mjs";

/** A page that was left is gone, and its session with it: it is not kept for a way back. */
const FLAGS = ["--disable-features=BackForwardCache"];

export async function startWorld() {
  const [tarball, server, { driver, stop }] = await Promise.all([pack(), startServer(), startBrowser("chromium", { flags: FLAGS })]);
  // A server in development compiles a page when it is asked for it.
  await driver.manage().setTimeouts({ pageLoad: 120_000 });
  return {
    tarball,
    server,
    browser: {
      open: (url) => driver.get(url),
      /** What a page has come to, or `null` when the time is up. */
      async outcome(ms) {
        const read = () => driver.executeScript("return document.documentElement.dataset.outcome ?? null");
        const settled = async () => (await read()) !== null;
        await driver.wait(settled, ms).catch(() => {});
        return read();
      },
      /** Errors and warnings that the console has had since it was asked last, uncaught ones too. */
      async complaints() {
        const entries = await driver.manage().logs().get("browser");
        return entries.filter(({ level }) => level.value >= 900).map(({ level, message }) => `${level.name}: ${message}`);
      },
      evaluate: (run, ...args) => driver.executeScript(`return (${run})(...arguments)`, ...args),
      /** Waits until a function in the page has something to return. */
      async until(run, ms, ...args) {
        const settled = () => driver.executeScript(`return (${run})(...arguments)`, ...args);
        await driver.wait(settled, ms).catch(async (error) => {
          throw new Error(`${error.message}\n${run} of ${args}, but the page is ${await driver.executeScript("return document.body.innerHTML")}`);
        });
      },
    },
    async stop() {
      await Promise.all([stop(), server.stop()]);
    },
  };
}
