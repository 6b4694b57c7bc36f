// A component that is edited while it is mounted, as a bundler's dev server does it.

import * as refresh from "react-refresh/runtime";
refresh.injectIntoGlobalHook(window);
// After the hook is in place.
const { createRoot } = await import("react-dom/client");
const { StrictMode } = await import("react");
const { useSession, useSessionState } = await import("throughline/react");
const { connect } = await import("throughline");

const modules = new Map();

/** A module with the function: evaluated again only when it is edited itself. */
const joining = (room) => {
  if (!modules.has(room)) modules.set(room, () => connect({ url: `/realtime?room=${room}` }));
  return modules.get(room);
};

function evaluate(text, room) {
  const join = joining(room);
  function Edited() {
    const session = useSession(join);
    return <p>{`${useSessionState(session).state}, ${text}`}</p>;
  }
  refresh.register(Edited, "Edited");
  refresh.setSignature(Edited, "useSession(join) useSessionState(session)", false, () => [useSession, useSessionState]);
  return Edited;
}

export function start(target) {
  const Edited = evaluate("first", "blue");
  const root = createRoot(target);
  root.render(<StrictMode><Edited /></StrictMode>);
  return {
    edit(text, room = "blue") {
      evaluate(text, room);
      refresh.performReactRefresh();
    },
    unmount: () => root.unmount(),
  };
}
