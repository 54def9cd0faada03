// RFC 5880 section 6.2: what a session becomes when the other side says how it sees it.
import { type BfdState } from "../../../impl/wire/bfd.ts";

/** By the own state, then by the neighbour's. */
const NEXT: Readonly<Record<BfdState, Readonly<Record<BfdState, BfdState>>>> = {
  adminDown: { adminDown: "adminDown", down: "adminDown", init: "adminDown", up: "adminDown" },
  down: { adminDown: "down", down: "init", init: "up", up: "down" },
  init: { adminDown: "down", down: "init", init: "up", up: "up" },
  up: { adminDown: "down", down: "down", init: "up", up: "up" },
};

export const nextState = (own: BfdState, remote: BfdState): BfdState => NEXT[own][remote];
