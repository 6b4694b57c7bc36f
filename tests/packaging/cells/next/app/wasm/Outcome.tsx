"use client";

import { useSession } from "throughline/react";
import { useOutcome } from "../useOutcome";
import { joinRoom } from "./chat";

export function Outcome({ room }: { room: string }) {
  useOutcome(useSession(joinRoom, room));
  return null;
}
