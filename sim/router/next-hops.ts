// RFC 4271 section 9.1.2.1: whether and by which way a next hop can be reached. Like zebra's next hop tracking.
import { type Family, familyOf, type Ip, isLinkLocal } from "../../impl/wire/ip.ts";
import { bitsOf, maskTo, type Prefix } from "../../impl/wire/prefix.ts";
import { type Host } from "../host/host.ts";
import { type Route } from "../host/routes.ts";

export interface Way {
  readonly via: Ip | undefined;
  readonly device: string;
}

export interface Resolution {
  readonly ways: readonly Way[];
  /** The next hop is on an own subnet. */
  readonly onLink: boolean;
  readonly metric: number;
}

export class NextHops {
  readonly #host: Host;
  readonly #vrf: string | undefined;
  readonly #viaDefault: () => Readonly<Record<Family, boolean>>;
  readonly #known = new Map<string, Resolution | undefined>();

  constructor(host: Host, vrf: string | undefined, viaDefault: () => Readonly<Record<Family, boolean>>) {
    this.#host = host;
    this.#vrf = vrf;
    this.#viaDefault = viaDefault;
  }

  /** Links or routes have changed. */
  forget(): void {
    this.#known.clear();
  }

  /** `device` is where a link-local next hop lives; `of` is the prefix whose own route must not lead to it. */
  resolve(nextHop: Ip, device?: string, of?: Prefix): Resolution | undefined {
    const key = `${nextHop} ${device ?? ""} ${of ?? ""}`;
    if (this.#known.has(key)) return this.#known.get(key);
    const found = isLinkLocal(nextHop) ? this.#onDevice(nextHop, device) : this.#byRoutes(nextHop, of);
    this.#known.set(key, found);
    return found;
  }

  /** The link whose subnet `ip` is on. */
  linkTo(ip: Ip): string | undefined {
    const resolution = this.resolve(ip);
    return resolution?.onLink === true ? resolution.ways[0]?.device : undefined;
  }

  #onDevice(nextHop: Ip, device: string | undefined): Resolution | undefined {
    if (device === undefined || !this.#runs(device)) return undefined;
    return { ways: [{ via: nextHop, device }], onLink: true, metric: 0 };
  }

  #byRoutes(nextHop: Ip, of: Prefix | undefined): Resolution | undefined {
    const family = familyOf(nextHop);
    const shortest = this.#viaDefault()[family] ? 0 : 1;
    for (let length = bitsOf(family); length >= shortest; length--) {
      const prefix = maskTo(nextHop, length);
      if (prefix === of) continue;
      const route = this.#host.routesTo(prefix, this.#vrf)[0];
      const resolution = route === undefined ? undefined : this.#along(route, nextHop);
      if (resolution !== undefined) return resolution;
    }
    return undefined;
  }

  #along({ nextHops, metric }: Route, nextHop: Ip): Resolution | undefined {
    const usable = nextHops.filter(({ device }) => this.#runs(device));
    if (usable.length === 0) return undefined;
    const onLink = usable.every(({ via }) => via === undefined);
    const ways = usable.map(({ via, device }) => ({ via: via ?? nextHop, device }));
    // An own subnet costs nothing; a route of another daemon or of the operator costs its metric.
    return { ways, onLink, metric: onLink ? 0 : metric };
  }

  #runs(device: string): boolean {
    const found = this.#host.device(device);
    return found?.up === true && found.running;
  }
}
