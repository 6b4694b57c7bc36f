// The demo's page before another app's server, used as a visitor uses it: its own buttons, and what it shows.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

import { By } from "selenium-webdriver";

import { startSystem } from "../../systems/support/start.mjs";
import { startServer } from "./server.mjs";

const folder = (name) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
/** Until the page is up, or shows what it was made to do, in milliseconds. */
const SOON = 15_000;

/** Starts system `key` with its `flags`, and the page's server with a fault proxy before it. Has `system`, `server`, `open()` and `stop()`. */
export async function startDemo(key, ...flags) {
  const system = await startSystem(key, ...flags);
  const server = await startServer({ more: ["--www", folder("www"), "--pkg", folder("pkg"), "--system", `${key}=${new URL(system.url).host}`] });
  return {
    system,
    server,
    /** Opens the page; with a `token`, the page has that to show. */
    async open({ driver }, query = "", token) {
      if (token) {
        await driver.get(`${server.url}/demo.css`);
        await driver.executeScript(`sessionStorage.setItem("demo:token", arguments[0])`, token);
      }
      await driver.get(`${server.url}/?system=${key}&${query}`);
      return new Page(driver);
    },
    async stop() {
      await server.stop();
      await system.stop();
    },
  };
}

/** The demo for one test, whose end is its end too. */
export async function demoFor(t, key, ...flags) {
  const demo = await startDemo(key, ...flags);
  t.after(() => demo.stop());
  return demo;
}

class Page {
  #driver;

  constructor(driver) {
    this.#driver = driver;
  }

  press(selector) {
    return this.#driver.findElement(By.css(selector)).click();
  }

  /** Writes into one of the page's fields, and sends it off. */
  async write(form, text) {
    await this.#driver.findElement(By.css(`${form} input`)).sendKeys(text);
    await this.press(`${form} button`);
  }

  /** What an expression is in the page. */
  read(expression) {
    return this.#driver.executeScript(`return (${expression})`);
  }

  /** Runs statements in the page, which may wait, and returns what they return. */
  async run(statements, ...args) {
    const script = `
      const done = arguments[arguments.length - 1];
      const args = Array.prototype.slice.call(arguments, 0, -1);
      (async () => { ${statements} })().then((value) => done({ value: value === undefined ? null : value }), (error) => done({ error: String(error) }));`;
    const { value, error } = await this.#driver.executeAsyncScript(script, ...args);
    assert.equal(error, undefined);
    return value;
  }

  /** Waits until an expression holds, and returns it. */
  async until(expression, ms = SOON) {
    try {
      return await this.#driver.wait(() => this.read(expression), ms);
    } catch {
      return assert.fail(`not within ${ms} ms: ${expression}\n${await this.read("document.body.innerText + JSON.stringify(window.session?.explain())")}`);
    }
  }

  carries(transport) {
    return this.until(`document.querySelector('#lanes [data-is="carrying"]')?.dataset.transport === "${transport}"`);
  }

  /** The texts of all that a selector finds. */
  texts(selector) {
    return this.read(`[...document.querySelectorAll(${JSON.stringify(selector)})].map(({ textContent }) => textContent)`);
  }

  /** Waits for so many of what a selector finds, and returns their texts. */
  async shown(selector, count) {
    await this.until(`document.querySelectorAll(${JSON.stringify(selector)}).length >= ${count}`);
    return this.texts(selector);
  }
}
