import { type Ip } from "../../impl/wire/ip.ts";
import { type Mac } from "../../impl/wire/mac.ts";
import { type InterfaceAddress } from "../../impl/wire/prefix.ts";
import { type ExecCommand, type LinkSetting, type LinkType } from "./exec.ts";
import {
  type FrrFile,
  type InterfaceSpec,
  type NeighbourProfile,
  type Role,
  type RouteSpec,
  type Station,
} from "./model.ts";
import { type Value } from "./yaml.ts";

interface DraftInterface {
  readonly kind: InterfaceSpec["kind"];
  readonly addresses: { readonly address: InterfaceAddress; readonly where: Value }[];
  setting: LinkSetting;
}

/** Collects what the file says about one station, in the order in which containerlab would do it. */
export class StationBuilder {
  readonly name: string;
  role: Role;
  neighbours: NeighbourProfile = { kind: "linux" };
  frr: FrrFile | undefined;
  readonly #interfaces = new Map<string, DraftInterface>();
  /** Commands may stand before the links that make their devices are read, so they wait. */
  readonly #commands: { readonly command: ExecCommand; readonly where: Value }[] = [];

  constructor(name: string, role: Role) {
    this.name = name;
    this.role = role;
  }

  cable(port: string, where: Value): void {
    if (this.#interfaces.has(port)) where.fail(`${this.name} has two interfaces ${port}`);
    this.#interfaces.set(port, { kind: { kind: "plain" }, addresses: [], setting: {} });
  }

  run(command: ExecCommand, where: Value): void {
    this.#commands.push({ command, where });
  }

  addresses(): readonly { readonly ip: Ip; readonly where: Value }[] {
    return this.#commands.flatMap(({ command, where }) =>
      command.kind === "address" ? [{ ip: command.address.ip, where }] : [],
    );
  }

  #device(name: string, where: Value): DraftInterface {
    return this.#interfaces.get(name) ?? where.fail(`${this.name} has no interface ${name}`);
  }

  #addLink(name: string, type: LinkType, where: Value): void {
    if (this.#interfaces.has(name)) where.fail(`${this.name} already has an interface ${name}`);
    if (type.kind === "vlan") this.#device(type.parent, where);
    this.#interfaces.set(name, { kind: type, addresses: [], setting: { up: false } });
  }

  #set(name: string, change: LinkSetting, where: Value): void {
    const device = this.#device(name, where);
    if (change.master !== undefined) {
      const master = this.#device(change.master, where).kind.kind;
      if (master === "plain" || master === "vlan") where.fail(`${change.master} is neither a bridge, a bond nor a VRF`);
    }
    device.setting = { ...device.setting, ...change };
  }

  finish(macOf: (port: number) => Mac): Station {
    const routes: RouteSpec[] = [];
    const sysctls: (readonly [string, string])[] = [];
    for (const { command, where } of this.#commands) {
      if (command.kind === "address") {
        this.#device(command.device, where).addresses.push({ address: command.address, where });
      } else if (command.kind === "route") {
        const { prefix, via, device, vrf } = command;
        for (const name of [device, vrf]) if (name !== undefined) this.#device(name, where);
        routes.push({ prefix, via, device, vrf });
      } else if (command.kind === "linkAdd") this.#addLink(command.name, command.type, where);
      else if (command.kind === "linkSet") this.#set(command.device, command.change, where);
      else if (command.kind === "sysctl") sysctls.push([command.name, command.value]);
    }
    let port = 0;
    const macs = new Map<string, Mac>();
    const interfaces = [...this.#interfaces].map(([name, draft]): InterfaceSpec => {
      const own = draft.setting.mac ?? macOf(port);
      port += 1;
      if (draft.kind.kind !== "vlan") macs.set(name, own);
      // A VLAN interface has its parent's address unless told otherwise.
      const mac = draft.setting.mac ?? (draft.kind.kind === "vlan" ? macs.get(draft.kind.parent) : undefined) ?? own;
      return {
        name,
        mac,
        mtu: draft.setting.mtu ?? 1500,
        up: draft.setting.up ?? true,
        noArp: draft.setting.noArp ?? false,
        master: draft.setting.master,
        kind: draft.kind,
        addresses: draft.addresses.map(({ address }) => address),
      };
    });
    // A cabled interface named eth10 must not come before the bond that it joins: masters first.
    const rank = (spec: InterfaceSpec): number => (spec.kind.kind === "vlan" ? 2 : spec.kind.kind === "plain" ? 1 : 0);
    return {
      name: this.name,
      role: this.role,
      interfaces: interfaces.sort((a, b) => rank(a) - rank(b)),
      routes,
      sysctls,
      neighbours: this.neighbours,
      frr: this.frr,
    };
  }
}
