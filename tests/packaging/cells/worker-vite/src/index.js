const worker = new Worker(new URL("./dedicated-worker.js", import.meta.url), { type: "module" });
worker.onmessage = ({ data }) => (document.documentElement.dataset.outcome = data);
worker.postMessage(Object.fromEntries(new URLSearchParams(location.search)));
