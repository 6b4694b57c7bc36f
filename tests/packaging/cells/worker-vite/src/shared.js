const { port } = new SharedWorker(new URL("./shared-worker.js", import.meta.url), { type: "module" });
port.onmessage = ({ data }) => (document.documentElement.dataset.outcome = data);
port.postMessage(Object.fromEntries(new URLSearchParams(location.search)));
