"use client";

import { useSession } from "throughline/react";
import { useOutcome } from "../useOutcome";
import { call } from "./call";

export function Outcome() {
  useOutcome(useSession(call));
  return null;
}
