import { StrictMode, createElement } from "react";
import { flushSync } from "react-dom";
import { createRoot, hydrateRoot } from "react-dom/client";

export { Room } from "../examples/Room";
export { Talk } from "../examples/Talk";
export * from "./react/components";

const strict = (component, props) => <StrictMode>{createElement(component, props)}</StrictMode>;

export function mount(target, component, props = {}) {
  const root = createRoot(target, { onUncaughtError: () => {}, onCaughtError: () => {} });
  const update = (props) => flushSync(() => root.render(strict(component, props)));
  update(props);
  return { update, unmount: () => root.unmount() };
}

export function hydrate(target, component, props = {}) {
  const root = hydrateRoot(target, strict(component, props), { onRecoverableError: (error) => console.error(error) });
  return { unmount: () => root.unmount() };
}
