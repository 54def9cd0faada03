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
  /** The latest user. */
  #holder: Claim | undefined;
  /** All users, once there were two. */
  #users: Map<string, Claim> | undefined;
  /** Who uses which port, once there were two users. */
  #ports: Map<string, string> | undefined;

  constructor(ip: Ip, block: PoolBlock, offset: number | undefined) {
    this.ip = ip;
    this.block = block;
    this.offset = offset;
  }

  get unused(): boolean {
    return this.#holder === undefined;
  }

  /** Of those that use it; they all have the same. */
  get shareId(): string {
    return this.#holder === undefined ? "" : shareIdOf(this.#holder);
  }

  /** Why the claim may not use the address; undefined: it may. */
  refusal(claim: Claim): Refusal | undefined {
    const holder = this.#holder;
    if (holder === undefined) return undefined;
    const alone = this.#users === undefined || this.#users.size === 1;
    if (alone && holder.service === claim.service) return undefined;
    const detail = sharingProblem(holder, claim);
    if (detail !== undefined) {
      const users = this.#users === undefined ? [holder.service] : [...this.#users.keys()];
      const others = users.filter((service) => service !== claim.service).sort();
      return { because: "sharing", service: claim.service, others, detail };
    }
    const ports = this.#portUsers(holder);
    for (const port of claim.ports) {
      const by = ports.get(port);
      if (by !== undefined && by !== claim.service) return { because: "portInUse", port, ip: this.ip, by };
    }
    return undefined;
  }

  add(claim: Claim): void {
    const before = this.#holder;
    this.#holder = claim;
    if (before !== undefined && before.service !== claim.service) {
      this.#users ??= new Map([[before.service, before]]);
    }
    this.#users?.set(claim.service, claim);
    for (const port of this.#ports === undefined ? [] : claim.ports) this.#ports?.set(port, claim.service);
  }

  remove(service: string): void {
    const claim = this.#users === undefined ? this.#holder : this.#users.get(service);
    if (claim?.service !== service) return;
    this.#users?.delete(service);
    for (const port of this.#ports === undefined ? [] : claim.ports) this.#ports?.delete(port);
    if (this.#holder === claim) this.#holder = this.#users?.values().next().value;
  }

  #portUsers(holder: Claim): ReadonlyMap<string, string> {
    if (this.#ports === undefined) {
      this.#ports = new Map();
      for (const { ports, service } of this.#users?.values() ?? [holder]) {
        for (const port of ports) this.#ports.set(port, service);
      }
    }
    return this.#ports;
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
