import { useEffect } from "react";
import type { Session } from "throughline";
import { useEvent } from "throughline/react";
import type { Events } from "./chat";

/** Does what a user would, in a session that others have too, and tells what came of it. */
export function useOutcome(session: Session<Events, Events> | null) {
  useEvent(session, "ECHO", ({ text }) => {
    document.documentElement.dataset.outcome = text;
  });
  useEffect(() => {
    session?.send("ECHO", { text: new URLSearchParams(location.search).get("say") ?? "" });
  }, [session]);
}
