import { ADDRESS_MUTANTS } from "./addresses.ts";
import { BFD_MUTANTS } from "./bfd.ts";
import { BGP_MUTANTS } from "./bgp.ts";
import { BGP_FAILOVER_MUTANTS } from "./bgp-failover.ts";
import { ECMP_MUTANTS } from "./ecmp.ts";
import {
  BFD_PACKET_MUTANTS,
  BGP_FLOW_MUTANTS,
  BGP_GOODBYE_MUTANTS,
  BGP_OPEN_MUTANTS,
  BGP_STREAM_MUTANTS,
  BGP_UPDATE_MUTANTS,
} from "./bgp-input.ts";
import { API_MUTANTS, INPUT_MUTANTS, NEIGHBOUR_MUTANTS, NETWORK_MUTANTS } from "./faults.ts";
import { LAYER2_MUTANTS } from "./layer2.ts";
import { type Mutant } from "./mutant.ts";
import { SELECTION_MUTANTS } from "./selection.ts";

export interface MutantGroup {
  readonly mutants: readonly Mutant[];
  /** Beginnings of the names of the scenarios that are about these mutants' subject, and are tried first. */
  readonly scenarios: readonly string[];
}

/** Every way in which the load balancer is broken on purpose; each must be noticed by a scenario. */
export const MUTANT_GROUPS: readonly MutantGroup[] = [
  { mutants: ADDRESS_MUTANTS, scenarios: ["assignment/"] },
  { mutants: LAYER2_MUTANTS, scenarios: ["layer2/", "failover/"] },
  { mutants: SELECTION_MUTANTS, scenarios: ["selection/"] },
  { mutants: NEIGHBOUR_MUTANTS, scenarios: ["neighbours/"] },
  { mutants: NETWORK_MUTANTS, scenarios: ["network/"] },
  { mutants: API_MUTANTS, scenarios: ["api-faults/"] },
  { mutants: INPUT_MUTANTS, scenarios: ["bad-input/"] },
  { mutants: BGP_MUTANTS, scenarios: ["bgp/"] },
  { mutants: BGP_FAILOVER_MUTANTS, scenarios: ["bgp-failover/", "bgp-topologies/"] },
  { mutants: BFD_MUTANTS, scenarios: ["bfd/", "bgp-topologies/"] },
  { mutants: ECMP_MUTANTS, scenarios: ["ecmp/"] },
  { mutants: BGP_OPEN_MUTANTS, scenarios: ["bgp-input/open"] },
  { mutants: BGP_STREAM_MUTANTS, scenarios: ["bgp-input/stream"] },
  { mutants: BGP_UPDATE_MUTANTS, scenarios: ["bgp-input/update"] },
  { mutants: BGP_GOODBYE_MUTANTS, scenarios: ["bgp-input/goodbye"] },
  { mutants: BGP_FLOW_MUTANTS, scenarios: ["bgp-input/flow", "bgp-input/dial", "bgp-input/restart"] },
  { mutants: BFD_PACKET_MUTANTS, scenarios: ["bgp-input/bfd"] },
];
