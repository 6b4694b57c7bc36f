// The three browsers, each behind its WebDriver, and pages in them.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Builder, Capabilities } from "selenium-webdriver";
import chrome from "selenium-webdriver/chrome.js";
import firefox from "selenium-webdriver/firefox.js";

const CHROMIUM_FLAGS = [
  "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
];
/** A microphone that beeps, and nobody to ask for it. */
const MEDIA_FLAGS = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
/** The same in Firefox, which also needs to be told that this machine's own address is a good one. */
const MEDIA_PREFERENCES = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "media.autoplay.default": 0,
  "media.peerconnection.ice.loopback": true,
  "media.peerconnection.ice.obfuscate_host_addresses": false,
};
const SCRIPT_TIMEOUT = 180_000;

const STARTERS = { chromium, firefox: firefoxEsr, webkit };

/** The browsers to test: all three, or those that `THROUGHLINE_BROWSERS` names. */
export const BROWSERS = (process.env.THROUGHLINE_BROWSERS ?? "chromium,firefox,webkit").split(",");

/** Starts a browser by its name; with `media`, one with a microphone and a sound card. `flags` are further ones of Chromium's. */
export async function startBrowser(name, { media = false, flags = [] } = {}) {
  const { driver, stop } = await STARTERS[name]({ media, flags });
  await driver.manage().setTimeouts({ script: SCRIPT_TIMEOUT, pageLoad: 30_000 });
  return new Browser(name, driver, stop);
}

class Browser {
  constructor(name, driver, stop) {
    Object.assign(this, { name, driver, stop });
  }

  /** Goes to a page; the one before it is gone with all its sessions. */
  open(url) {
    this.sandboxed = new URL(url).searchParams.has("csp");
    return this.driver.get(url);
  }

  /**
   * Runs a function in the page and returns what it resolves with. It sees its arguments and the page's globals only.
   * In a page with a content security policy it runs beside the page's realm, where `instanceof` may lie.
   */
  async evaluate(run, ...args) {
    const call = this.sandboxed ? `(${run})(...args)` : `window.harness.run(${JSON.stringify(String(run))}, args)`;
    const script = `
      const done = arguments[arguments.length - 1];
      const args = Array.prototype.slice.call(arguments, 0, -1);
      Promise.resolve().then(() => ${call}).then(
        (value) => done({ value: value === undefined ? null : value }),
        (error) => done({ error: String(error && error.stack || error), message: String(error && error.message || error), code: error && error.code }),
      );`;
    const result = await this.driver.executeAsyncScript(script, ...args);
    if (result.error) throw new Error(`in ${this.name}: ${result.code ? result.code + ": " : ""}${result.message}\n${result.error}`);
    return result.value;
  }

  /** What the page has said so far, without the browser's own lines about the network. */
  told() {
    return this.evaluate(() => window.harness.told);
  }
}

async function chromium({ media, flags }) {
  const service = new chrome.ServiceBuilder(program("CHROMEDRIVER", "/usr/bin/chromedriver"));
  const options = new chrome.Options().addArguments(...CHROMIUM_FLAGS, ...(media ? MEDIA_FLAGS : []), ...flags).setAcceptInsecureCerts(true);
  const driver = await new Builder().forBrowser("chrome").setChromeOptions(options).setChromeService(service).build();
  return { driver, stop: () => driver.quit() };
}

async function firefoxEsr({ media }) {
  const sound = media ? await startSoundCard() : undefined;
  const service = new firefox.ServiceBuilder(program("GECKODRIVER", `${process.env.HOME}/.cargo/bin/geckodriver`));
  if (sound) service.setEnvironment({ ...process.env, PULSE_SERVER: sound.server });
  const options = new firefox.Options().addArguments("-headless").setAcceptInsecureCerts(true);
  if (media) for (const [name, value] of Object.entries(MEDIA_PREFERENCES)) options.setPreference(name, value);
  const driver = await new Builder().forBrowser("firefox").setFirefoxOptions(options).setFirefoxService(service).build();
  return {
    driver,
    async stop() {
      await driver.quit().finally(() => sound?.stop());
    },
  };
}

/** A sound card that plays into nothing: without one, Firefox's audio never runs. */
async function startSoundCard() {
  const folder = await mkdtemp(join(tmpdir(), "throughline-pulse-"));
  const socket = join(folder, "native");
  const args = ["-n", "--daemonize=no", "--exit-idle-time=-1", "-L", "module-null-sink sink_name=null"];
  const env = { ...process.env, XDG_RUNTIME_DIR: folder, PULSE_RUNTIME_PATH: folder };
  const child = spawn("pulseaudio", [...args, "-L", `module-native-protocol-unix auth-anonymous=1 socket=${socket}`], { stdio: "ignore", env });
  const ended = new Promise((resolve, reject) => child.once("exit", resolve).once("error", reject));
  ended.catch(() => {});
  process.once("exit", () => child.kill());
  for (let tries = 0; !existsSync(socket); tries++) {
    if (tries === 200) throw new Error("pulseaudio does not start: run `cargo xtask setup --browsers`");
    await sleep(25);
  }
  return {
    server: `unix:${socket}`,
    async stop() {
      child.kill();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function webkit() {
  const port = await freePort();
  const child = spawn(program("WEBKITDRIVER", "/usr/bin/WebKitWebDriver"), [`--port=${port}`, "--host=127.0.0.1"], { stdio: "ignore" });
  process.once("exit", () => child.kill());
  const capabilities = new Capabilities({
    browserName: "MiniBrowser",
    acceptInsecureCerts: true,
    "webkitgtk:browserOptions": { binary: miniBrowser(), args: ["--automation"] },
  });
  const address = `http://127.0.0.1:${port}`;
  for (let tries = 0; !(await fetch(`${address}/status`).then((r) => r.ok, () => false)); tries++) {
    if (tries === 100) throw new Error("WebKitWebDriver does not answer");
    await sleep(50);
  }
  const driver = await new Builder().usingServer(address).withCapabilities(capabilities).build();
  return {
    driver,
    async stop() {
      await driver.quit().catch(() => {});
      child.kill();
    },
  };
}

function miniBrowser() {
  const places = ["x86_64-linux-gnu", "aarch64-linux-gnu", ""].map((arch) => `/usr/lib/${arch}/webkit2gtk-4.1/MiniBrowser`);
  const found = [process.env.MINIBROWSER, ...places].find((path) => path && existsSync(path));
  if (!found) throw new Error("MiniBrowser is not installed: run `cargo xtask setup --browsers`");
  return found;
}

function program(variable, fallback) {
  return process.env[variable] ?? fallback;
}

/** A port that nobody listens on. */
export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
