import { type Micros, micros, millis, seconds } from "../../impl/wire/time.ts";

/** Which routing suite a router behaves like where RFCs leave a choice. */
export type RouterProfile = "frr" | "bird";

/** How long things take. */
export interface Delays {
  /** From the choice of a path to the kernel's table. FRR: bgpd's and zebra's work queues, 61 ms as measured. */
  readonly install: Micros;
  /** How long a neighbour rests in Idle after its session ended, first and at most; it doubles between them. */
  readonly rest: { readonly first: Micros; readonly most: Micros };
}

export const delaysOf = (profile: RouterProfile): Delays =>
  profile === "frr"
    ? // bgpd/bgp_fsm.c, bgp_stop_with_error: from 1 s to 120 s.
      { install: millis(61), rest: { first: seconds(1), most: seconds(120) } }
    : // BIRD: "error wait time" from 60 s to 300 s is for protocol errors; its routes are in the kernel at once.
      { install: micros(0), rest: { first: seconds(5), most: seconds(300) } };
