// What there is to show of Layer 2 on one node.
import { type Ip } from "../../wire/ip.ts";
import { type Micros } from "../../wire/time.ts";

/** An address that this node answers for. */
export interface AddressView {
  readonly ip: Ip;
  /** Services that share it. */
  readonly services: readonly string[];
  /** Interfaces where it is answered, carrier or not. */
  readonly links: readonly string[];
  readonly since: Micros;
  /** Why it is not answered all the same: somebody is asked whether it is free, or others may own it by now. */
  readonly silent: "probing" | "held" | undefined;
}
