// Linux Documentation/networking/vrf.rst.
import { ConfigError } from "../../impl/wire/errors.ts";
import { type RouteTable } from "./routes.ts";

interface VrfTable {
  readonly number: number;
  readonly routes: RouteTable;
}

/** The main table and those of VRFs, by the name of the VRF, and which interface is in which. */
export class RouteTables {
  readonly main: RouteTable;
  readonly #create: () => RouteTable;
  readonly #vrfs = new Map<string, VrfTable>();
  readonly #vrfOf = new Map<string, string>();

  constructor(create: () => RouteTable) {
    this.main = create();
    this.#create = create;
  }

  addVrf(name: string, number: number): void {
    this.#vrfs.set(name, { number, routes: this.#create() });
    this.#vrfOf.set(name, name);
  }

  /** Its members must have left. */
  removeVrf(name: string): void {
    this.#vrfs.delete(name);
    this.#vrfOf.delete(name);
  }

  rename(name: string, to: string): void {
    const table = this.#vrfs.get(name);
    const vrf = this.#vrfOf.get(name);
    this.#vrfOf.delete(name);
    if (vrf !== undefined) this.#vrfOf.set(to, vrf === name ? to : vrf);
    if (table === undefined) return;
    this.#vrfs.delete(name);
    this.#vrfs.set(to, table);
    for (const [member, of] of this.#vrfOf) if (of === name) this.#vrfOf.set(member, to);
  }

  /** Puts an interface into a VRF, or, without one, back into none. */
  enslave(name: string, vrf: string | undefined): void {
    if (vrf === undefined) this.#vrfOf.delete(name);
    else this.#vrfOf.set(name, vrf);
  }

  isVrf(name: string): boolean {
    return this.#vrfs.has(name);
  }

  /** The VRF of an interface; a VRF is in itself. */
  vrfOf(name: string): string | undefined {
    return this.#vrfOf.get(name);
  }

  membersOf(vrf: string): readonly string[] {
    return [...this.#vrfOf].filter(([name, of]) => of === vrf && name !== vrf).map(([name]) => name);
  }

  /** The VRF whose table has this number, as `ip route add … table 10` names it. */
  vrfOfTable(number: number): string | undefined {
    for (const [name, table] of this.#vrfs) if (table.number === number) return name;
    return undefined;
  }

  /** ConfigError where there is no such VRF. */
  of(vrf: string | undefined): RouteTable {
    if (vrf === undefined) return this.main;
    const table = this.#vrfs.get(vrf);
    if (table === undefined) throw new ConfigError(vrf, "is no VRF");
    return table.routes;
  }

  /** The table that routes what came in on an interface, or leaves from a socket that is bound to it. */
  for(device: string | undefined): RouteTable {
    return this.of(device === undefined ? undefined : this.vrfOf(device));
  }

  all(): readonly RouteTable[] {
    return [this.main, ...[...this.#vrfs.values()].map(({ routes }) => routes)];
  }
}
