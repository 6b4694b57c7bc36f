import { useState } from "react";
import { useEvent, useSession, useSessionState } from "throughline/react";
import { joinRoom } from "./chat";

export function Room({ room }: { room: string }) {
  const session = useSession(joinRoom, room);
  const state = useSessionState(session, ({ state }) => state);
  const [lines, setLines] = useState<string[]>([]);
  useEvent(session, "ECHO", ({ text }) => setLines((lines) => [...lines, text]));
  return (
    <section>
      <p>{state}</p>
      <ul>{lines.map((line, at) => <li key={at}>{line}</li>)}</ul>
      <button onClick={() => session?.send("ECHO", { text: `from ${room}` }).catch(console.warn)}>Send</button>
    </section>
  );
}
