// What a page that is tried does, by what its address asks for; a frame tells the page around it.

import { trial } from "/trial.js";

const { worker, inherits, service, ...about } = JSON.parse(new URL(location.href).searchParams.get("about"));

function inWorker() {
  const address = inherits ? URL.createObjectURL(new Blob([`import ${JSON.stringify(worker)};`], { type: "text/javascript" })) : worker;
  const thread = new Worker(address, { type: "module" });
  return new Promise((resolve) => {
    thread.onmessage = ({ data }) => resolve(data);
    thread.onerror = ({ message }) => resolve({ outcome: `no worker: ${message ?? "refused"}`, errors: [], reports: [], stray: [] });
    thread.postMessage(about);
  });
}

async function inService() {
  const { active } = await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  active.postMessage(about, [port2]);
  return new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
}

const told = JSON.stringify(await (worker ? inWorker() : service ? inService() : trial(about)));
if (parent === window) document.documentElement.dataset.outcome = told;
else parent.postMessage(told, "*");
