// What containerlab's published schema says about the parts of a topology file that ours use: names of fields, kinds and
// patterns as of schemas/clab.schema.json, revision b11ef1a, of https://github.com/srl-labs/containerlab.
import { isObject, type JsonObject } from "../../impl/api/schema/json-object.ts";

const KINDS = ["linux", "bridge", "ovs-bridge", "ext-container", "k8s-kind", "host"];
const TOP = ["name", "prefix", "mgmt", "topology", "settings"];
const TOPOLOGY = ["nodes", "kinds", "defaults", "links"];
const MGMT: Readonly<Record<string, RegExp>> = {
  network: /^.*$/,
  bridge: /^.*$/,
  "ipv4-subnet": /(^.+\/[0-9]{1,2}$)|(auto)/,
  "ipv6-subnet": /(^.+\/[0-9]{1,3}$)|(auto)/,
};
const ENDPOINT = /^\S+:\S+$/;

type Check = (value: unknown) => boolean;
const text: Check = (value) => typeof value === "string";
const texts: Check = (value) => Array.isArray(value) && value.length > 0 && value.every(text);
const labels: Check = (value) =>
  isObject(value) && Object.values(value).every((item) => text(item) || typeof item === "number");

/** Fields of a node; the schema allows no others. */
const NODE: Readonly<Record<string, Check>> = {
  kind: (value) => KINDS.includes(String(value)),
  image: text,
  "startup-config": text,
  exec: texts,
  binds: (value) => texts(value) && Array.isArray(value) && new Set(value).size === value.length,
  labels,
  env: labels,
  "mgmt-ipv4": text,
  "mgmt-ipv6": text,
};

function unknownKeys(where: string, value: JsonObject, known: readonly string[]): readonly string[] {
  return Object.keys(value).flatMap((key) => (known.includes(key) ? [] : [`${where}: ${key} is not in the schema`]));
}

function nodeProblems(name: string, node: unknown): readonly string[] {
  if (node === null) return [];
  if (!isObject(node)) return [`topology.nodes.${name} is no mapping`];
  return Object.entries(node).flatMap(([key, value]) => {
    const check = NODE[key];
    if (check === undefined) return [`topology.nodes.${name}: ${key} is not in the schema`];
    return check(value) ? [] : [`topology.nodes.${name}.${key} does not fit the schema`];
  });
}

function linkProblems(links: unknown): readonly string[] {
  if (!Array.isArray(links) || links.length === 0) return ["topology.links is no list of links"];
  return links.flatMap((link: unknown, index) => {
    const ends = isObject(link) && Array.isArray(link["endpoints"]) ? (link["endpoints"] as readonly unknown[]) : [];
    const fits =
      ends.length >= 2 && new Set(ends).size === ends.length && ends.every((end) => ENDPOINT.test(String(end)));
    return fits ? [] : [`topology.links[${index}].endpoints does not fit the schema`];
  });
}

/** What containerlab's schema would not let pass. */
export function schemaProblems(file: unknown): readonly string[] {
  if (!isObject(file)) return ["the file is no mapping"];
  const topology = isObject(file["topology"]) ? file["topology"] : {};
  const mgmt = isObject(file["mgmt"]) ? file["mgmt"] : {};
  const nodes = isObject(topology["nodes"]) ? topology["nodes"] : undefined;
  return [
    ...unknownKeys("the file", file, TOP),
    ...(text(file["name"]) ? [] : ["name is missing"]),
    ...unknownKeys("topology", topology, TOPOLOGY),
    ...(nodes === undefined ? ["topology.nodes is missing"] : []),
    ...Object.entries(nodes ?? {}).flatMap(([name, node]) => nodeProblems(name, node)),
    ...linkProblems(topology["links"]),
    ...Object.entries(mgmt).flatMap(([key, value]) =>
      MGMT[key]?.test(String(value)) === true ? [] : [`mgmt.${key} does not fit the schema`],
    ),
  ];
}
