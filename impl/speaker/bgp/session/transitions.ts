// RFC 4271 section 8.2.2, the picture: from each state, which others one event leads to. Active is left out, as this side
// does not wait for the peer to dial; OpenSent follows Idle only where a listener takes a connection.
import { type StateName } from "./state.ts";

export const TRANSITIONS: Readonly<Record<StateName, readonly StateName[]>> = {
  idle: ["connect", "openSent"],
  connect: ["openSent", "idle"],
  openSent: ["openConfirm", "idle"],
  openConfirm: ["established", "idle"],
  established: ["idle"],
};
