"use client";

import { useSession } from "throughline/react";
import { joinRoom } from "./chat";
import { useOutcome } from "./useOutcome";

export function Outcome({ room }: { room: string }) {
  useOutcome(useSession(joinRoom, room));
  return null;
}
