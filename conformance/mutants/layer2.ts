import { type Mutant } from "./mutant.ts";

const ANNOUNCER = "impl/speaker/layer2/announcer.ts";
const ARP = "impl/speaker/layer2/arp.ts";
const NDP = "impl/speaker/layer2/ndp.ts";
const BURSTS = "impl/speaker/layer2/bursts.ts";
const ELECTION = "impl/speaker/layer2/election.ts";
const ELIGIBILITY = "impl/speaker/layer2/eligibility.ts";
const SPEAKER = "impl/speaker/speaker.ts";
const NODE_FACTS = "impl/speaker/node-facts.ts";

/** Ways to announce nothing, too much, from the wrong place, or without saying so. */
export const LAYER2_MUTANTS: readonly Mutant[] = [
  {
    name: "skip-gratuitous",
    file: ANNOUNCER,
    find: "    if (this.#held) return [];\n    const effects: AnnouncerEffect[] = [];\n    for (const responder of responders) {",
    replace: "    const effects: AnnouncerEffect[] = [];\n    for (const responder of []) {",
  },
  {
    name: "one-round-only",
    file: ANNOUNCER,
    find: "for (const ip of this.#bursts.due(now)) effects.push(...this.#round(ip));",
    replace: "this.#bursts.due(now);",
  },
  {
    name: "burst-of-one-second",
    file: BURSTS,
    find: "const WINDOW = seconds(5);",
    replace: "const WINDOW = seconds(0.5);",
  },
  { name: "mute-arp", file: ARP, find: "senderIp: request.targetIp,", replace: "senderIp: request.senderIp," },
  {
    name: "mute-ndp",
    file: NDP,
    find: 'kind: "neighborAdvertisement",\n  target,\n  router: false,',
    replace: 'kind: "neighborAdvertisement",\n  target: ALL_NODES,\n  router: false,',
  },
  {
    name: "elect-by-name",
    file: ELECTION,
    find: "sha256(encodeUtf8(`${node.name}#${contest.ip}`))",
    replace: "encodeUtf8(node.name.padEnd(32))",
  },
  {
    name: "everybody-owns",
    file: ELECTION,
    find: 'seat.standing = "outranked";',
    replace: 'seat.standing = mine === undefined ? "outranked" : "owner";',
  },
  {
    name: "ignore-local-policy",
    file: ELIGIBILITY,
    find: 'const local = service.spec.externalTrafficPolicy === "Local";',
    replace: "const local = false;",
  },
  {
    name: "local-policy-for-all",
    file: ELIGIBILITY,
    find: 'const local = service.spec.externalTrafficPolicy === "Local";',
    replace: "const local = true;",
  },
  {
    name: "announce-without-endpoints",
    scenarios: ["neighbours/repeated-rounds"],
    file: "impl/speaker/endpoints.ts",
    find: "export const NO_ENDPOINTS: Endpoints = { serving: false, nodes: new Set() };",
    replace: "export const NO_ENDPOINTS: Endpoints = { serving: true, nodes: new Set() };",
  },
  {
    name: "ignore-network-unavailable",
    file: NODE_FACTS,
    find: '(condition) => condition.type === "NetworkUnavailable" && condition.status === "True",',
    replace: "() => false,",
  },
  {
    name: "network-unavailable-for-ever",
    file: NODE_FACTS,
    find: '(condition) => condition.type === "NetworkUnavailable" && condition.status === "True",',
    replace: '(condition) => condition.type === "NetworkUnavailable",',
  },
  {
    name: "ignore-exclude-label",
    file: NODE_FACTS,
    find: "excluded: Object.hasOwn(labels, EXCLUDE_LABEL),",
    replace: "excluded: false,",
  },
  {
    name: "obey-label-against-flag",
    file: SPEAKER,
    find: "(!excluded || this.#configuration.ignoreExcludeLabel)",
    replace: "!excluded",
  },
  {
    name: "never-say-why",
    file: SPEAKER,
    find: "if (!this.#vacancies.isNews(key, message)) return [];",
    replace: 'if (message !== "") return [];',
  },
  {
    name: "no-event-of-assignment",
    file: SPEAKER,
    find: '{ kind: "event", service, type: "Normal", reason: "nodeAssigned", message },',
    replace: "",
  },
  {
    name: "no-metric-of-announcement",
    file: SPEAKER,
    find: "metrics.announced(key, protocol.name, ips);",
    replace: "",
  },
  {
    name: "metric-stays",
    file: SPEAKER,
    find: "this.#configuration.metrics.withdrawn(key, protocol.name, ips);",
    replace: "",
  },
  {
    name: "ignore-lost-members",
    file: SPEAKER,
    find: "if (this.#members?.delete(name) !== true) return [];",
    replace: 'if (name !== "") return [];',
  },
  {
    name: "never-leave-group",
    file: "impl/speaker/layer2/groups.ts",
    find: '    groups?.delete(group);\n    if (groups?.size === 0) this.#users.delete(link);\n    return [{ kind: "leaveGroup", link, group }];',
    replace: "    groups?.delete(group);\n    return [];",
  },
];
