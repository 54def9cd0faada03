import { type Ip } from "../wire/ip.ts";
import { type Claim, shareIdOf } from "./claim.ts";
import { type PoolBlock } from "./pool-space.ts";
import { quote, type Refusal } from "./refusal.ts";

/** An address that is in use, and by whom. */
export class Address {
  readonly ip: Ip;
  readonly block: PoolBlock;
  /** Undefined where it lies too far out to be found by search. */
  readonly offset: number | undefined;
  readonly #users = new Map<string, Claim>();
  /** Who uses which port; made when a second Service first asks. */
  #ports: Map<string, string> | undefined;
  #holder: Claim | undefined;

  constructor(ip: Ip, block: PoolBlock, offset: number | undefined) {
    this.ip = ip;
    this.block = block;
    this.offset = offset;
  }

  get unused(): boolean {
    return this.#users.size === 0;
  }

  /** Of those that use it; they all have the same. */
  get shareId(): string {
    return this.#holder === undefined ? "" : shareIdOf(this.#holder);
  }

  /** Why the claim may not use the address; undefined: it may. */
  refusal(claim: Claim): Refusal | undefined {
    if (this.#users.size === 0 || (this.#users.size === 1 && this.#users.has(claim.service))) return undefined;
    const detail = this.#holder === undefined ? undefined : sharingProblem(this.#holder, claim);
    if (detail !== undefined) {
      const others = [...this.#users.keys()].filter((service) => service !== claim.service).sort();
      return { because: "sharing", service: claim.service, others, detail };
    }
    const ports = (this.#ports ??= this.#indexPorts());
    for (const port of claim.ports) {
      const by = ports.get(port);
      if (by !== undefined && by !== claim.service) return { because: "portInUse", port, ip: this.ip, by };
    }
    return undefined;
  }

  add(claim: Claim): void {
    this.#users.set(claim.service, claim);
    this.#holder = claim;
    if (this.#ports !== undefined) for (const port of claim.ports) this.#ports.set(port, claim.service);
  }

  remove(service: string): void {
    const claim = this.#users.get(service);
    if (claim === undefined) return;
    this.#users.delete(service);
    if (this.#ports !== undefined) for (const port of claim.ports) this.#ports.delete(port);
    if (this.#holder === claim) this.#holder = this.#users.values().next().value;
  }

  #indexPorts(): Map<string, string> {
    const ports = new Map<string, string>();
    for (const claim of this.#users.values()) for (const port of claim.ports) ports.set(port, claim.service);
    return ports;
  }
}

function sharingProblem(existing: Claim, asking: Claim): string | undefined {
  if (existing.sharing === "") return "existing service does not allow sharing";
  if (asking.sharing === "") return "new service does not allow sharing";
  if (existing.sharing !== asking.sharing) {
    return `sharing key ${quote(asking.sharing)} does not match existing sharing key ${quote(existing.sharing)}`;
  }
  if (existing.backend !== asking.backend) {
    return `backend key ${quote(asking.backend)} does not match existing backend key ${quote(existing.backend)}`;
  }
  return undefined;
}
