import { el, find, write } from "./dom.js";
import reference from "./systems/reference.js";

/** Asks the page's server which systems run, each with its own address and its fault proxy's, and takes the one that the address names. */
export async function findSystem(query) {
  const { faults = null, systems = {} } = await running();
  const places = new Map([["", { direct: location.origin, origin: faults ?? location.origin, control: faults && "/faults/faults" }]]);
  for (const [key, { url, faults }] of Object.entries(systems)) places.set(key, { direct: url, origin: faults, control: `/systems/${key}/faults` });
  const all = await Promise.all([...places.keys()].map(load));
  const asked = query.get("system")?.toLowerCase() ?? "";
  const system = all.find(({ key }) => key === asked) ?? reference;
  show(all, system, asked);
  return { system, place: places.get(system.key) };
}

async function running() {
  try {
    const response = await fetch("/api/demo");
    return response.ok ? await response.json() : {};
  } catch {
    return {};
  }
}

async function load(key) {
  return key ? (await import(`./systems/${key}.js`)).default : reference;
}

/** Says which system the page runs, lets one choose among those that run, and hides what this one has no use for. */
function show(all, system, asked) {
  const bar = find("#systems");
  bar.hidden = all.length === 1 && !asked;
  const link = ({ key, title }) =>
    el("a", { href: key ? `?system=${key}` : location.pathname, "aria-current": key === system.key ? "page" : null }, key ? el("b", {}, key.toUpperCase()) : null, title);
  find("#systems-list").append(...all.map((other) => el("li", {}, link(other))));
  const missing = asked !== system.key && `System ${asked.toUpperCase()} does not run here: start it with \`cargo xtask demo --system ${asked.toUpperCase()}\`.`;
  write(find("#systems-about"), missing || system.about);
  find("#systems-about").dataset.tone = missing ? "bad" : "";
  for (const panel of ["room", "console"]) find(`.${panel}`).hidden = !system[panel];
  document.body.dataset.system = system.key;
  startConfiguration(system);
}

/** The drawer with the one module that makes this page another app's. */
function startConfiguration({ key, title }) {
  const drawer = find("#configuration");
  const opener = find("#configuration-open");
  const source = `systems/${key || "reference"}.js`;
  write(find("#configuration-title"), `${title}: www/${source}`);
  opener.addEventListener("click", async () => {
    if (drawer.open) return drawer.close();
    write(find("#configuration-source"), await (await fetch(source)).text());
    drawer.show();
    find("#configuration-shut").focus();
  });
  find("#configuration-shut").addEventListener("click", () => drawer.close());
  drawer.addEventListener("close", () => opener.focus());
  document.addEventListener("keydown", (event) => event.key === "Escape" && drawer.open && drawer.close());
}
