// What a topology folder means, whichever world builds it.
import { type KubeObject } from "../../impl/api/kubernetes.ts";
import { type Ip } from "../../impl/wire/ip.ts";
import { type Mac } from "../../impl/wire/mac.ts";
import { type InterfaceAddress, type Prefix } from "../../impl/wire/prefix.ts";
import { type Micros } from "../../impl/wire/time.ts";
import { type RouterConfig } from "../../sim/router/config/model.ts";

export interface Topology {
  readonly name: string;
  /** One line about it: the comment on top of its file. */
  readonly about: string;
  /** Everything with an IP stack: nodes, clients, routers. */
  readonly stations: readonly Station[];
  readonly switches: readonly SwitchSpec[];
  readonly cables: readonly (readonly [Plug, Plug])[];
  /** Kubernetes nodes in the order of the kind configuration. */
  readonly nodes: readonly string[];
  readonly clients: readonly string[];
  /** The objects of cluster.yaml, Client documents left out. */
  readonly objects: readonly KubeObject[];
  readonly podSubnets: readonly Prefix[];
  readonly serviceSubnets: readonly Prefix[];
}

/** One end of a cable: a station's interface or a switch's port. */
export interface Plug {
  readonly name: string;
  readonly port: string;
}

export type Role = "node" | "client" | "router" | "host";

export interface Station {
  readonly name: string;
  readonly role: Role;
  /** In the order in which they are to be made: masters and parents first. */
  readonly interfaces: readonly InterfaceSpec[];
  readonly routes: readonly RouteSpec[];
  readonly sysctls: readonly (readonly [string, string])[];
  /** How its neighbour cache behaves: `linux`, or a router's profile. */
  readonly neighbours: NeighbourProfile;
  /** Of a router: what its daemons read. What it does to the kernel is among the station's own settings already. */
  readonly frr: FrrFile | undefined;
}

export interface FrrFile {
  /** As messages name it. */
  readonly name: string;
  readonly text: string;
  readonly config: RouterConfig;
}

export interface NeighbourProfile {
  readonly kind: "linux" | "router";
  /** How long a router keeps an entry without asking again. */
  readonly timeout?: Micros;
}

export interface InterfaceSpec {
  readonly name: string;
  readonly mac: Mac;
  readonly mtu: number;
  readonly up: boolean;
  readonly noArp: boolean;
  readonly master: string | undefined;
  readonly kind:
    | { readonly kind: "plain" }
    | { readonly kind: "bridge" }
    | { readonly kind: "bond" }
    | { readonly kind: "vrf"; readonly table: number }
    | { readonly kind: "vlan"; readonly parent: string; readonly id: number };
  readonly addresses: readonly InterfaceAddress[];
}

export interface RouteSpec {
  readonly prefix: Prefix;
  readonly via: Ip | undefined;
  readonly device: string | undefined;
  /** The VRF whose table it stands in. */
  readonly vrf: string | undefined;
}

export interface SwitchSpec {
  readonly name: string;
  /** The name of a profile of the simulated switch. */
  readonly profile: string;
  readonly ageing: Micros | undefined;
  readonly ports: ReadonlyMap<string, PortSpec>;
}

export interface PortSpec {
  readonly isolated: boolean;
  /** The VLAN of untagged frames; undefined: the switch's default. */
  readonly access: number | undefined;
  /** VLANs that pass with their tag. */
  readonly trunk: readonly number[];
  readonly mtu: number | undefined;
}
