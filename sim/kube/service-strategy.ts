// What the API server makes of a Service: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/
import { type Family, familyOf, type Ip, ipFromBigInt, ipToBigInt, readIp } from "../../impl/wire/ip.ts";
import { type Prefix, prefixFamily, rangeOf } from "../../impl/wire/prefix.ts";
import { ApiError, type Cause } from "./api-error.ts";
import { type Fields, fieldsOf, isFields, listOf, type StoredObject, textOf } from "./object.ts";
import { addressesOf, carriedOver, serviceProblems } from "./service-rules.ts";
import { Slots } from "./slots.ts";
import { type StorageEvent } from "./storage.ts";
import { type Strategy } from "./strategy.ts";

/** The default of --service-node-port-range. */
const NODE_PORTS = { first: 30_000, last: 32_767 } as const;
const FAMILY_NAMES = { ipv4: "IPv4", ipv6: "IPv6" } as const;

const keyOf = ({ metadata }: StoredObject): string => `${metadata.namespace}/${metadata.name}`;

export interface ServiceStrategyOptions {
  /** One prefix or one of each family; the first is the cluster's primary family. */
  readonly serviceCidrs: readonly Prefix[];
  readonly nodePorts?: { readonly first: number; readonly last: number } | undefined;
}

const rangeIsFull = (what: string): ApiError =>
  new ApiError("InternalError", `Internal error occurred: failed to allocate ${what}: range is full`);

export class ServiceStrategy implements Strategy {
  readonly #families: readonly Family[];
  readonly #addresses: ReadonlyMap<Family, AddressSlots>;
  readonly #firstPort: number;
  readonly #nodePorts: Slots;

  constructor({ serviceCidrs, nodePorts = NODE_PORTS }: ServiceStrategyOptions) {
    this.#firstPort = nodePorts.first;
    this.#nodePorts = new Slots(nodePorts.last - nodePorts.first + 1);
    this.#families = serviceCidrs.map(prefixFamily);
    this.#addresses = new Map(serviceCidrs.map((cidr) => [prefixFamily(cidr), new AddressSlots(cidr)]));
  }

  prepareCreate(object: StoredObject): StoredObject {
    const spec = this.#defaulted(fieldsOf(object["spec"]));
    return { ...object, spec: this.#allocated(spec, keyOf(object)), status: { loadBalancer: {} } };
  }

  prepareUpdate(object: StoredObject, old: StoredObject): StoredObject {
    const before = fieldsOf(old["spec"]);
    const given = carriedOver(fieldsOf(object["spec"]), before);
    const spec = this.#allocated(this.#defaulted(given), keyOf(object));
    const status = fieldsOf(object["status"]);
    const left = before["type"] === "LoadBalancer" && spec["type"] !== "LoadBalancer";
    return { ...object, spec, status: left ? { ...status, loadBalancer: {} } : status };
  }

  prepareStatusUpdate(object: StoredObject): StoredObject {
    const status = fieldsOf(object["status"]);
    const loadBalancer = fieldsOf(status["loadBalancer"]);
    if (loadBalancer["ingress"] === undefined) return { ...object, status: { loadBalancer: {}, ...status } };
    // Since Kubernetes 1.30: an address without a mode is a virtual IP.
    const ingress = listOf(loadBalancer["ingress"]).map((point) =>
      isFields(point) && point["ip"] !== undefined ? { ipMode: "VIP", ...point } : point,
    );
    return { ...object, status: { ...status, loadBalancer: { ...loadBalancer, ingress } } };
  }

  validate(object: StoredObject, old: StoredObject | undefined): readonly Cause[] {
    const families = this.#families.map((family) => FAMILY_NAMES[family]);
    return serviceProblems(object, old, families);
  }

  observe({ object, previous, type }: StorageEvent): void {
    if (previous !== undefined) this.#account(previous, false);
    if (type !== "DELETED") this.#account(object, true);
  }

  #account(object: StoredObject, used: boolean): void {
    const spec = fieldsOf(object["spec"]);
    const key = keyOf(object);
    for (const text of listOf(spec["clusterIPs"])) {
      const ip = readIp(String(text));
      if (ip !== undefined) this.#addresses.get(familyOf(ip))?.mark(ip, key, used);
    }
    const ports = [...listOf(spec["ports"]).map((port) => fieldsOf(port)["nodePort"]), spec["healthCheckNodePort"]];
    for (const port of ports) if (typeof port === "number") this.#nodePorts.mark(port - this.#firstPort, key, used);
  }

  #defaulted(given: Fields): Fields {
    const type = textOf(given["type"]) ?? "ClusterIP";
    const external = type === "NodePort" || type === "LoadBalancer";
    const ports = listOf(given["ports"]).map((port) => {
      const { protocol = "TCP", port: number, targetPort = number, ...rest } = fieldsOf(port);
      return { ...rest, protocol, port: number, targetPort };
    });
    return {
      sessionAffinity: "None",
      ...given,
      type,
      ...(ports.length === 0 ? {} : { ports }),
      ...(type === "ExternalName" ? {} : { internalTrafficPolicy: given["internalTrafficPolicy"] ?? "Cluster" }),
      ...(external ? { externalTrafficPolicy: given["externalTrafficPolicy"] ?? "Cluster" } : {}),
      ...(type === "LoadBalancer"
        ? { allocateLoadBalancerNodePorts: given["allocateLoadBalancerNodePorts"] ?? true }
        : {}),
      ...(type === "ExternalName" ? {} : this.#familiesOf(given)),
    };
  }

  /** The families that a Service wants, as far as the cluster has them. */
  #familiesOf(given: Fields): Fields {
    const wanted = listOf(given["ipFamilies"]).map(String);
    const asked = addressesOf(given).filter((text) => text !== "None");
    const fromAddresses = asked.flatMap((text) => {
      const ip = readIp(text);
      return ip === undefined ? [] : [FAMILY_NAMES[familyOf(ip)]];
    });
    const policy =
      textOf(given["ipFamilyPolicy"]) ??
      (Math.max(wanted.length, asked.length) > 1 ? "RequireDualStack" : "SingleStack");
    const cluster = this.#families.map((family) => FAMILY_NAMES[family]);
    const preferred = [...new Set([...wanted, ...fromAddresses, ...cluster])];
    return { ipFamilyPolicy: policy, ipFamilies: policy === "SingleStack" ? preferred.slice(0, 1) : preferred };
  }

  /** Cluster addresses and node ports: what is given stays, what is missing comes from where the Service's name falls. */
  #allocated(spec: Fields, key: string): Fields {
    const type = spec["type"];
    const allocated = type === "ExternalName" ? spec : { ...spec, ...this.#clusterIps(spec, key) };
    const withPorts =
      type === "NodePort" || (type === "LoadBalancer" && spec["allocateLoadBalancerNodePorts"] === true);
    const given = [...listOf(spec["ports"]).map((port) => fieldsOf(port)["nodePort"]), spec["healthCheckNodePort"]];
    const taken = new Set(given.filter((port) => typeof port === "number").map((port) => port - this.#firstPort));
    const nodePort = (what: number | "health"): number => {
      const slot = this.#nodePorts.choose(`${key}/${what}`, taken);
      if (slot === undefined) throw rangeIsFull("a nodePort");
      taken.add(slot);
      return this.#firstPort + slot;
    };
    const ports = listOf(spec["ports"]).map((item, index) => {
      const port = fieldsOf(item);
      return withPorts && port["nodePort"] === undefined ? { ...port, nodePort: nodePort(index) } : port;
    });
    const checked = type === "LoadBalancer" && spec["externalTrafficPolicy"] === "Local";
    const health = checked ? { healthCheckNodePort: spec["healthCheckNodePort"] ?? nodePort("health") } : {};
    return { ...allocated, ...(ports.length === 0 ? {} : { ports }), ...health };
  }

  #clusterIps(spec: Fields, key: string): Fields {
    const given = addressesOf(spec);
    if (given.includes("None")) return { clusterIP: "None", clusterIPs: ["None"] };
    const clusterIPs = listOf(spec["ipFamilies"]).flatMap((name) => {
      const family = name === "IPv6" ? "ipv6" : "ipv4";
      const kept = given.find((text) => text.includes(":") === (family === "ipv6"));
      const chosen = kept ?? this.#addresses.get(family)?.choose(key);
      return chosen === undefined ? [] : [chosen];
    });
    return { clusterIP: clusterIPs[0] ?? "", clusterIPs };
  }
}

/** The addresses of one service prefix. */
class AddressSlots {
  readonly #family: Family;
  readonly #first: bigint;
  readonly #slots: Slots;

  constructor(cidr: Prefix) {
    const { family, first, last } = rangeOf(cidr);
    this.#family = family;
    // Neither the network's own address nor, in IPv4, the broadcast address.
    this.#first = first + 1n;
    const size = last - first - 1n;
    this.#slots = new Slots(size > 65_534n ? 65_534 : Number(size));
  }

  choose(owner: string): string {
    const slot = this.#slots.choose(owner);
    if (slot === undefined) throw rangeIsFull("a serviceIP");
    return ipFromBigInt(this.#first + BigInt(slot), this.#family);
  }

  mark(ip: Ip, owner: string, used: boolean): void {
    const slot = ipToBigInt(ip) - this.#first;
    if (slot >= 0n && slot < 65_534n) this.#slots.mark(Number(slot), owner, used);
  }
}
