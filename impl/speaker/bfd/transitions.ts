// RFC 5880 sections 6.2 and 6.8.6: the states of a session and what each received state does to them.
import { type BfdState } from "../../wire/bfd.ts";

/** The state after a packet from the peer, by our state and the one that the packet carries. */
export const ON_RECEIVED: Readonly<Record<BfdState, Readonly<Record<BfdState, BfdState>>>> = {
  adminDown: { adminDown: "adminDown", down: "adminDown", init: "adminDown", up: "adminDown" },
  down: { adminDown: "down", down: "init", init: "up", up: "down" },
  init: { adminDown: "down", down: "init", init: "up", up: "up" },
  up: { adminDown: "down", down: "down", init: "up", up: "up" },
};
