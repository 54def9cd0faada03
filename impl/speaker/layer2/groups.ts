import { type Effect } from "../../ports.ts";
import { type Ipv6, solicitedNodeGroup } from "../../wire/ip.ts";

/**
 * Which solicited-node groups each interface has joined. A switch that snoops MLD sends solicitations only to those who
 * joined (RFC 4541 section 3); addresses with the same last 24 bits share a group.
 */
export class Groups {
  readonly #users = new Map<string, Map<Ipv6, Set<Ipv6>>>();

  set(link: string, ip: Ipv6, wanted: boolean): readonly Effect[] {
    return wanted ? this.#join(link, ip) : this.#leave(link, ip);
  }

  /** Leaves every group of an interface. */
  close(link: string): readonly Effect[] {
    const groups = [...(this.#users.get(link)?.keys() ?? [])];
    this.#users.delete(link);
    return groups.map((group) => ({ kind: "leaveGroup", link, group }));
  }

  #join(link: string, ip: Ipv6): readonly Effect[] {
    const group = solicitedNodeGroup(ip);
    const groups = this.#users.get(link) ?? new Map<Ipv6, Set<Ipv6>>();
    this.#users.set(link, groups);
    const users = groups.get(group);
    if (users !== undefined) {
      users.add(ip);
      return [];
    }
    groups.set(group, new Set([ip]));
    return [{ kind: "joinGroup", link, group }];
  }

  #leave(link: string, ip: Ipv6): readonly Effect[] {
    const group = solicitedNodeGroup(ip);
    const groups = this.#users.get(link);
    const users = groups?.get(group);
    if (users === undefined || !users.delete(ip) || users.size > 0) return [];
    groups?.delete(group);
    if (groups?.size === 0) this.#users.delete(link);
    return [{ kind: "leaveGroup", link, group }];
  }
}
