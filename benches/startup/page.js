// Runs in the page: loads an application, lets it connect and say something, and tells when it heard that back. Every page is of a
// site of its own, and so in a fresh process: nothing was compiled before.

import { marked } from "./marks.js";

/** Milliseconds after which a page that has loaded is taken for idle. */
const IDLE = 100;

const { searchParams } = new URL(location.href);
const [app, server, parts] = ["app", "server", "parts"].map((name) => searchParams.get(name));

const loaded = new Promise((resolve) => (document.readyState === "complete" ? resolve() : addEventListener("load", resolve)));

async function measure() {
  await loaded;
  await new Promise((resolve) => setTimeout(resolve, IDLE));
  const marks = parts && marked();
  const start = performance.now();
  const { first } = await import(`/${app}.js`);
  const imported = performance.now();
  const [message, heard] = await new Promise((resolve) => first(server, (message) => resolve([message, performance.now()])));
  if (message !== 1) throw new Error(`${message} came in place of 1`);
  const [{ responseEnd }] = performance.getEntriesByName(`${location.origin}/${app}.js`);
  return { total: heard - start, marks: Object.entries({ start, fetched: responseEnd, imported, ...marks, heard }) };
}

const broken = new Promise((_, reject) => (window.onerror = window.onunhandledrejection = (event) => reject(event.reason ?? event)));
const result = await Promise.race([measure(), broken]).catch((error) => ({ error: `${app}: ${error?.stack ?? error}` }));
const response = await fetch("/result", { method: "POST", body: JSON.stringify(result) });
const { next } = await response.json();
if (next) location.replace(next);
