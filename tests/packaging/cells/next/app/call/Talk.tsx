"use client";

import { useAudio, useSession } from "throughline/react";
import { call } from "./call";

export function Talk() {
  const session = useSession(call);
  const { state, isUserSpeaking } = useAudio(session);
  const toggle = () => (state === "off" ? session?.audio.start().catch(({ remediation }) => alert(remediation)) : session?.audio.stop());
  return <button className={isUserSpeaking ? "speaking" : ""} onClick={toggle}>{state}</button>;
}
