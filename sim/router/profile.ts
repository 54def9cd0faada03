import { type Micros, micros, millis, seconds } from "../../impl/wire/time.ts";

/** Which routing suite a router behaves like where RFCs leave a choice. */
export type RouterProfile = "frr" | "bird";

/** What the suites do in different ways. */
export interface Habits {
  /** From the choice of a path to the kernel's table. */
  readonly installDelay: Micros;
  /** How long a neighbour rests in Idle after its session ended, first and at most; it doubles between them. */
  readonly rest: { readonly first: Micros; readonly most: Micros };
  /** For so long after a session nobody who dials in is taken: bgpd clears routes, and calls the new one a collision. */
  readonly clearing: Micros;
  /** Neighbours are told their own routes too, which they recognise by the AS path or the originator. */
  readonly tellsBack: boolean;
  /** A neighbour that a listen range brought can be given a name. */
  readonly namesDynamic: boolean;
}

const HABITS = {
  // Measured: between 0.3 and 1.2 s of clearing.
  // The work queues of bgpd and zebra take 61 ms as measured; bgpd/bgp_fsm.c, bgp_stop_with_error: from 1 s to 120 s.
  frr: {
    installDelay: millis(61),
    rest: { first: seconds(1), most: seconds(120) },
    clearing: millis(750),
    tellsBack: true,
    namesDynamic: false,
  },
  // BIRD gives routes to the kernel at once; "error wait time" 60,300 s is for errors, "connect delay time" 5 s for all.
  bird: {
    installDelay: micros(0),
    rest: { first: seconds(5), most: seconds(300) },
    clearing: micros(0),
    tellsBack: false,
    namesDynamic: true,
  },
} as const satisfies Readonly<Record<RouterProfile, Habits>>;

export const habitsOf = (profile: RouterProfile): Habits => HABITS[profile];
