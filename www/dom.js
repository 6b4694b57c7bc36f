/** Finds the one element that a module needs. */
export const find = (selector, root = document) => root.querySelector(selector);

/** Makes an element: `el("li", { class: "line", onclick }, "text", child)`. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/** Writes text only where it differs, so that nothing is announced or laid out again for nothing. */
export function write(element, text) {
  const string = String(text);
  if (element.textContent !== string) element.textContent = string;
}

/** Whether keys belong to a field that the user writes in. */
export function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input:not([type=checkbox]), textarea, select"));
}

/** Appends to a scrolling log, and drops the oldest lines. */
export function append(log, line, most = 200) {
  keepEnd(log, () => {
    log.append(line);
    while (log.childElementCount > most) log.firstElementChild.remove();
  });
}

/** Changes a scrolling log, and follows its end if that was in sight. */
export function keepEnd(log, change) {
  const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  change();
  if (follows) log.scrollTop = log.scrollHeight;
}

/** Copies text, and says on the button for a moment what came of it. */
export async function copy(button, text) {
  const label = (button.dataset.label ??= button.textContent);
  try {
    await navigator.clipboard.writeText(text);
    write(button, "Copied");
  } catch {
    write(button, "Not allowed here");
  }
  setTimeout(() => write(button, label), 1_600);
}

/** Whether a key pressed now is a shortcut: not part of a text, a combination, or a dialog's. */
export const isShortcut = (event) =>
  !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat && !isTyping(event.target) && !document.querySelector("dialog:modal");
