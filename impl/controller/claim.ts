import { type Family } from "../wire/ip.ts";
import { type ServiceFamily } from "./refusal.ts";

/** What decides whether a Service may hold an address, alone or beside others. */
export interface Claim {
  /** `namespace/name`. */
  readonly service: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `TCP/80` … */
  readonly ports: readonly string[];
  /** Empty: the Service shares with nobody. */
  readonly sharing: string;
  /** Services with different backends cannot share where traffic must stay on the node (externalTrafficPolicy Local). */
  readonly backend: string;
}

/** Which families a Service wants. `prefer`: of a dual wish, one family will do. */
export interface FamilyWish {
  readonly family: ServiceFamily;
  readonly prefer: boolean;
  readonly primary: Family;
}

/** Equal for exactly the claims that may share an address; empty where the Service shares with nobody. */
export const shareIdOf = ({ sharing, backend }: Claim): string => (sharing === "" ? "" : `${sharing}\n${backend}`);
