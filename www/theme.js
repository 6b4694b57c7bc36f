import { find } from "./dom.js";

const KEY = "throughline-demo-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set();

/** The theme in force: what was chosen, else what the system prefers. */
export function theme() {
  return document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
}

/** Calls `listener` whenever the colours change. */
export const onTheme = (listener) => listeners.add(listener);

/** Puts the toggle to work. */
export function startTheme() {
  const button = find("#theme");
  const show = () => {
    const other = theme() === "dark" ? "light" : "dark";
    button.setAttribute("aria-label", `Switch to the ${other} theme`);
    button.title = button.getAttribute("aria-label");
    for (const listener of listeners) listener();
  };
  button.addEventListener("click", () => {
    const next = theme() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
    show();
  });
  dark.addEventListener("change", show);
  show();
}
