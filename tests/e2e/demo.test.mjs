// The demo as a visitor uses it: talk, pull the network away under the conversation, give it back.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { By } from "selenium-webdriver";

import { BROWSERS, startBrowser } from "./support/browsers.mjs";
import { startServer } from "./support/server.mjs";
import { writeSpeech } from "./support/speech.mjs";

const folder = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
/** Until the page is up, the microphone on, or what was said is answered. */
const SOON = 15_000;

describe("chromium", { skip: !BROWSERS.includes("chromium") }, () => {
  let server;
  let browser;
  let speech;

  before(async () => {
    speech = await writeSpeech();
    [server, browser] = await Promise.all([
      startServer({ more: ["--www", folder("www"), "--pkg", folder("pkg")] }),
      startBrowser("chromium", { media: true, flags: speech.flags }),
    ]);
  });
  after(async () => {
    await browser?.stop();
    await server?.stop();
    await speech?.remove();
  });

  const press = (selector) => browser.driver.findElement(By.css(selector)).click();
  const read = (script) => browser.driver.executeScript(`return (${script})`);
  const until = (script, ms = SOON) =>
    browser.driver.wait(() => read(script), ms).catch(async () => {
      assert.fail(`not within ${ms} ms: ${script}\n${await read("document.body.innerText + JSON.stringify(window.session?.explain())")}`);
    });
  const carries = (transport) => `(document.querySelector('#lanes [data-is="carrying"]')?.dataset.transport === "${transport}")`;
  const rung = "document.querySelector('#rung').textContent";
  /** Lines that the user spoke, told by what carried them. */
  const spoken = (name) => `[...document.querySelectorAll("#room-log .me .tick")].filter((tick) => tick.textContent === "${name}").length`;
  /** What the console says of the page's doing: a browser counts a network that fails as an error of the page. */
  const complaints = async () => (await browser.driver.manage().logs().get("browser")).filter(({ level }) => level.name === "SEVERE").map(({ message }) => message);

  test("a conversation goes on while UDP is dropped, and comes back to WebRTC", async () => {
    await browser.driver.get(server.url);
    await until(carries("webrtc"));
    await press("#voice-talk");
    await until(`document.querySelector("#voice").dataset.phase === "on"`);
    await until(`/^WebRTC · UDP, \\w+ · \\d/.test(${rung})`);
    await until(`${spoken("WebRTC")} > 0`);
    await until(`[...document.querySelectorAll("#steps li")].every(({ dataset }) => dataset.is === "done")`);
    assert.deepEqual(await complaints(), []);

    await press('[data-key="u"]');
    await until(`/^(WebSocket|SSE|Long poll)/.test(${rung}) && !${carries("webrtc")}`, 10_000);
    const [other] = (await read(rung)).split(" · ");
    await until(`document.querySelector("#room-log").textContent.includes("WebRTC → ${other}")`);
    await until(`${spoken(other)} > 0`);

    const before = await read(spoken("WebRTC"));
    await press(".heal");
    await until(`${carries("webrtc")} && ${rung}.startsWith("WebRTC")`, 25_000);
    await until(`${spoken("WebRTC")} > ${before}`);

    await press("#voice-talk");
    await until(`document.querySelector("#voice").dataset.phase === "off" && session.audio.state === "off"`);
    assert.equal(await read("session.state"), "connected");
  });

  test("the text entry has no voice and converses all the same", async () => {
    // A tab of its own: in the other one it would go on with the session that was there.
    await browser.driver.switchTo().newWindow("tab");
    await browser.driver.get(`${server.url}/?entry=text`);
    await until(carries("websocket"));
    await until(`document.querySelectorAll("#room-log .them").length > 0`);
    assert.ok(await read(`document.querySelector("#voice").hidden && !session.audio`));
    assert.deepEqual(await complaints(), []);
  });
});
