import { type Address } from "./address.ts";
import { type Claim } from "./claim.ts";
import { OffsetMap } from "./offset-map.ts";

/** More port lists than this are not remembered: forgetting costs a search, remembering costs every release. */
const MAX_REMEMBERED = 64;

/** The addresses of one block whose users share under one key, in order. */
export class SharingGroup {
  readonly #members: OffsetMap<Address>;
  /** By port list: below this offset, every member has one of these ports in use. */
  readonly #refusedBelow = new Map<string, number>();

  constructor(bits: number) {
    this.#members = new OffsetMap(bits);
  }

  get empty(): boolean {
    return this.#members.empty;
  }

  add(offset: number, address: Address): void {
    this.#members.set(offset, address);
    this.changed(offset);
  }

  delete(offset: number): void {
    this.#members.delete(offset);
  }

  /** A Service left the address, or uses other ports now. */
  changed(offset: number): void {
    for (const [ports, below] of this.#refusedBelow) {
      if (offset < below) this.#refusedBelow.set(ports, offset);
    }
  }

  /** The first member below `limit` that the claim may use. */
  find(claim: Claim, limit: number): number | undefined {
    const ports = claim.ports.join();
    let offset = this.#members.next(this.#refusedBelow.get(ports) ?? 0);
    while (offset !== undefined && offset < limit) {
      const address = this.#members.get(offset);
      if (address !== undefined && address.refusal(claim) === undefined) break;
      offset = this.#members.next(offset + 1);
    }
    if (this.#refusedBelow.size >= MAX_REMEMBERED) this.#refusedBelow.clear();
    this.#refusedBelow.set(ports, offset ?? Number.MAX_SAFE_INTEGER);
    return offset !== undefined && offset < limit ? offset : undefined;
  }
}
