// RFC 4271 section 3.2: what one neighbour told of one family.
import { type Prefix } from "../../../impl/wire/prefix.ts";
import { type Route } from "./path.ts";

interface Row {
  readonly route: Route;
  /** The policy has taken it. */
  accepted: boolean;
  /** RFC 4724 section 4.2: told before the session was lost, and not since. */
  stale: boolean;
  /** RFC 7313 section 4: told before the refresh began, and not since. */
  unrefreshed: boolean;
}

export class AdjRibIn {
  readonly #rows = new Map<Prefix, Row>();
  #accepted = 0;

  get accepted(): number {
    return this.#accepted;
  }

  get size(): number {
    return this.#rows.size;
  }

  routes(): readonly Route[] {
    return [...this.#rows.values()].map(({ route }) => route);
  }

  isStale(prefix: Prefix): boolean {
    return this.#rows.get(prefix)?.stale ?? false;
  }

  set(route: Route, accepted: boolean): void {
    this.remove(route.prefix);
    this.#rows.set(route.prefix, { route, accepted, stale: false, unrefreshed: false });
    if (accepted) this.#accepted++;
  }

  /** The policy has changed its mind. */
  judge(prefix: Prefix, accepted: boolean): void {
    const row = this.#rows.get(prefix);
    if (row === undefined || row.accepted === accepted) return;
    row.accepted = accepted;
    this.#accepted += accepted ? 1 : -1;
  }

  /** False where it was not told. */
  remove(prefix: Prefix): boolean {
    const row = this.#rows.get(prefix);
    if (row?.accepted === true) this.#accepted--;
    return this.#rows.delete(prefix);
  }

  markStale(): void {
    for (const row of this.#rows.values()) row.stale = true;
  }

  markUnrefreshed(): void {
    for (const row of this.#rows.values()) row.unrefreshed = true;
  }

  /** Removes what is stale, or was not refreshed, and returns it. */
  sweep(what: "stale" | "unrefreshed"): readonly Prefix[] {
    const gone = [...this.#rows].filter(([, row]) => row[what]).map(([prefix]) => prefix);
    for (const prefix of gone) this.remove(prefix);
    return gone;
  }

  clear(): readonly Prefix[] {
    const gone = [...this.#rows.keys()];
    this.#rows.clear();
    this.#accepted = 0;
    return gone;
  }
}
