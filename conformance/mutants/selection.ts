import { type Mutant } from "./mutant.ts";

const ADDRESS = "impl/controller/address.ts";
const ALLOCATOR = "impl/controller/allocator.ts";
const ADVERTISED_POOLS = "impl/api/advertised-pools.ts";
const ANNOUNCER = "impl/speaker/layer2/announcer.ts";
const ELECTION = "impl/speaker/layer2/election.ts";
const ELIGIBILITY = "impl/speaker/layer2/eligibility.ts";
const ENDPOINTS = "impl/speaker/endpoints.ts";
const LAYER2 = "impl/speaker/layer2/layer2.ts";
const LINKS = "impl/speaker/layer2/links.ts";
const NODE_FACTS = "impl/speaker/node-facts.ts";
const REQUEST = "impl/controller/service-request.ts";
const SPEAKER = "impl/speaker/speaker.ts";
const SPEAKER_CLUSTER = "impl/shell/speaker-cluster.ts";
const SUBJECT = "impl/speaker/subject.ts";

/** Ways to let the wrong node, the wrong interface or the wrong Service in. */
export const SELECTION_MUTANTS: readonly Mutant[] = [
  {
    name: "ignore-node-selectors",
    file: ELIGIBILITY,
    find: "return advertisement.nodeSelectors.length === 0 || matchesAny(advertisement.nodeSelectors, labels);",
    replace: "return true;",
  },
  {
    name: "node-selectors-all-must-match",
    file: ELIGIBILITY,
    find: "matchesAny(advertisement.nodeSelectors, labels);",
    replace: "advertisement.nodeSelectors.every((one) => matchesAny([one], labels));",
  },
  {
    name: "every-advertisement-must-include-node",
    file: ELIGIBILITY,
    find: "!advertisements.some((advertisement) => includesNode(advertisement, labels))",
    replace: "!advertisements.every((advertisement) => includesNode(advertisement, labels))",
  },
  {
    name: "ignore-changed-node-labels",
    file: NODE_FACTS,
    find: "&& sameLabels(a.labels, b.labels);",
    replace: ";",
  },
  {
    name: "ignore-preferences",
    file: ELIGIBILITY,
    find: "if (matches(preferred.preference, node.labels)) preference += preferred.weight;",
    replace: "",
  },
  {
    name: "preference-required",
    file: ELIGIBILITY,
    find: "    preference ??= 0;",
    replace:
      "    const { preferredNodeSelectors: some } = advertisement;\n    if (some.length > 0 && !some.some((one) => matches(one.preference, node.labels))) continue;\n    preference ??= 0;",
  },
  {
    name: "equal-preference-precedes",
    file: ELECTION,
    find: "if (preference !== mine.preference) return preference > mine.preference;",
    replace: "if (preference !== 0 || mine.preference !== 0) return preference >= mine.preference;",
  },
  {
    name: "newcomer-challenges-nobody",
    file: ELECTION,
    find: "return [...dethroned, ...this.#challenge(candidate)].sort();",
    replace: "return dethroned;",
  },
  {
    name: "keep-first-contest",
    file: LAYER2,
    find: '? "vacant" : this.#election.open(subject.key, contest);',
    replace: '? "vacant" : (this.#election.standing(subject.key) ?? this.#election.open(subject.key, contest));',
  },
  {
    name: "prefer-nodes-not-selected",
    file: ELIGIBILITY,
    find: "    if (!includesNode(advertisement, node.labels)) continue;\n",
    replace: "",
  },
  {
    name: "greatest-weight-counts",
    file: ELIGIBILITY,
    find: "preference += preferred.weight;",
    replace: "preference = Math.max(preference, preferred.weight);",
  },
  {
    name: "equal-advertisements-count-once",
    file: ADVERTISED_POOLS,
    find: "if (advertisement.preferredNodeSelectors.length > 0) return true;",
    replace: "",
  },
  {
    name: "preferences-of-every-advertisement",
    file: ELIGIBILITY,
    find: "preference: (node) => preferenceOf(advertisements, node),",
    replace: "preference: (node) => preferenceOf(subject.pool.l2Advertisements, node),",
  },
  {
    name: "ignore-service-selectors",
    file: ELIGIBILITY,
    find: "({ serviceSelectors }) => serviceSelectors.length === 0 || matchesAny(serviceSelectors, labels),",
    replace: "() => labels !== undefined,",
  },
  {
    name: "ignore-pool-selection",
    file: ADVERTISED_POOLS,
    find: "return choice.names.includes(pool.name) || matchesAny(choice.selectors, pool.labels);",
    replace: "return true;",
  },
  {
    name: "own-advertisements-elect",
    file: LAYER2,
    find: "const contest = contestFor(subject, advertisements);",
    replace:
      "const contest = contestFor(\n      subject,\n      advertisements.filter((one) => eligibilityOf(subject, [one], this.#labels).eligible),\n    );",
  },
  {
    name: "service-selectors-all-must-match",
    file: ELIGIBILITY,
    find: "serviceSelectors.length === 0 || matchesAny(serviceSelectors, labels),",
    replace: "serviceSelectors.every((one) => matchesAny([one], labels)),",
  },
  {
    name: "share-despite-service-selectors",
    file: ELIGIBILITY,
    find: "return isShared(service) && advertisements.some(({ serviceSelectors }) => serviceSelectors.length > 0);",
    replace: "return false;",
  },
  {
    name: "forget-deprecated-sharing",
    file: SUBJECT,
    find: 'const SHARING_ANNOTATIONS = ["metallb.io/allow-shared-ip", "metallb.universe.tf/allow-shared-ip"];',
    replace: 'const SHARING_ANNOTATIONS = ["metallb.io/allow-shared-ip"];',
  },
  {
    name: "empty-sharing-key-is-none",
    file: SUBJECT,
    find: "SHARING_ANNOTATIONS.some((name) => Object.hasOwn(annotations, name));",
    replace: 'SHARING_ANNOTATIONS.some((name) => (annotations[name] ?? "") !== "");',
  },
  {
    name: "no-interfaces-in-status",
    file: LAYER2,
    find: 'const names = interfaces === "all" ? [] : [...interfaces].sort();',
    replace: "const names: readonly string[] = [];",
  },
  {
    name: "answer-on-every-interface",
    file: ANNOUNCER,
    find: 'if (!covers(address, ip, responder)) return "notMatchInterface";',
    replace: "",
  },
  {
    name: "announce-on-every-interface",
    file: ANNOUNCER,
    find: "      if (!this.#covers(ip, responder)) continue;\n      for (const bytes",
    replace: "      for (const bytes",
  },
  {
    name: "join-groups-on-first-interfaces",
    file: ANNOUNCER,
    find: "return [...this.#joinGroups(ip), ...this.#startBurst(ip, now, !known)];",
    replace: "return this.#startBurst(ip, now, !known);",
  },
  {
    name: "keep-first-interfaces",
    file: ANNOUNCER,
    find: "    address.interfaces = unionOf(holders.values());\n    return [...this",
    replace: "    return [...this",
  },
  {
    name: "new-interface-waits-for-burst",
    file: ANNOUNCER,
    find: "...this.#startBurst(ip, now, !known)];",
    replace: "...this.#startBurst(ip, now)];",
  },
  {
    name: "missing-interfaces-mean-all",
    file: ELIGIBILITY,
    find: "  return { eligible: true, interfaces: interfacesFor(advertisements, labels) };",
    replace:
      '  const chosen = interfacesFor(advertisements, labels);\n  const known = chosen === "all" || chosen.has("eth1") || chosen.has("eth2");\n  return { eligible: true, interfaces: known ? chosen : "all" };',
  },
  {
    name: "no-event-of-missing-interfaces",
    file: LAYER2,
    find: "if (missing && before?.missing !== true) effects.push(this.#announceFailed(service, ip));",
    replace: "",
  },
  {
    name: "every-interface-must-be-there",
    file: ANNOUNCER,
    find: "[...interfaces].some((name) => this.#linkNames.has(name));",
    replace: "[...interfaces].every((name) => this.#linkNames.has(name));",
  },
  {
    name: "interfaces-of-first-advertisement",
    file: ELIGIBILITY,
    find: "for (const name of advertisement.interfaces) names.add(name);",
    replace: "for (const name of advertisement.interfaces) names.add(name);\n    if (names.size > 0) return names;",
  },
  {
    name: "named-interfaces-beat-all",
    file: ELIGIBILITY,
    find: 'if (advertisement.interfaces.length === 0) return "all";\n    for (const name of advertisement.interfaces) names.add(name);\n  }\n  return names;',
    replace:
      'for (const name of advertisement.interfaces) names.add(name);\n  }\n  return names.size === 0 ? "all" : names;',
  },
  {
    name: "interfaces-of-other-nodes",
    file: ELIGIBILITY,
    find: "    if (!includesNode(advertisement, labels)) continue;\n",
    replace: "",
  },
  {
    name: "first-exclusion-only",
    file: LINKS,
    find: 'patterns.map((pattern) => `(${pattern})`).join("|")',
    replace: "String(patterns[0])",
  },
  {
    name: "excluded-interface-is-there",
    file: ANNOUNCER,
    find: "this.#linkNames = new Set(present.map((link) => link.name));",
    replace: "this.#linkNames = new Set(links.map((link) => link.name));",
  },
  {
    name: "answer-on-ports",
    file: LINKS,
    find: '  if (link.master !== undefined) return { respond: false, because: "portOfMaster" };\n',
    replace: "",
  },
  {
    name: "vlan-is-its-parent",
    file: ANNOUNCER,
    find: 'interfaces === "all" || interfaces.has(responder.name)',
    replace:
      'interfaces === "all" || [...interfaces].some((one) => one.split(".")[0] === responder.name.split(".")[0])',
  },
  {
    name: "dead-port-silences-bond",
    file: ANNOUNCER,
    find: "const present = links.filter((link) => exclude?.test(link.name) !== true);",
    replace:
      "const broken = links.some(({ master, running }) => master !== undefined && !running);\n    const present = links.filter((link) => exclude?.test(link.name) !== true && !broken);",
  },
  {
    name: "endpoint-must-say-ready",
    file: ENDPOINTS,
    find: "return conditions?.ready !== false || conditions.serving === true;",
    replace: "return conditions?.ready === true || conditions?.serving === true;",
  },
  {
    name: "endpoint-must-serve",
    file: ENDPOINTS,
    find: "return conditions?.ready !== false || conditions.serving === true;",
    replace: "return conditions?.ready !== false && conditions?.serving !== false;",
  },
  {
    name: "unready-endpoint-never-counts",
    file: ENDPOINTS,
    find: "return conditions?.ready !== false || conditions.serving === true;",
    replace: "return conditions?.ready !== false;",
  },
  {
    name: "terminating-endpoint-never-counts",
    file: ENDPOINTS,
    find: "|| conditions.serving === true;",
    replace: "|| (conditions.serving === true && conditions.terminating !== true);",
  },
  {
    name: "every-endpoint-counts",
    file: ENDPOINTS,
    find: "    if (!canServe(endpoint.conditions)) continue;\n",
    replace: "",
  },
  {
    name: "endpoint-needs-node",
    file: ENDPOINTS,
    find: "    serving = true;\n",
    replace: "    serving ||= endpoint.nodeName !== undefined;\n",
  },
  {
    name: "local-without-nodes-is-cluster",
    file: ELIGIBILITY,
    find: "among: local ? endpoints.nodes : undefined,",
    replace: "among: local && endpoints.nodes.size > 0 ? endpoints.nodes : undefined,",
  },
  {
    name: "slice-takes-others-along",
    file: SPEAKER,
    find: "if (endpoints === undefined) slices.delete(slice);",
    replace: "if (endpoints === undefined) slices.clear();",
  },
  {
    name: "slice-stays-with-first-service",
    file: SPEAKER_CLUSTER,
    find: "if (previously !== service) this.carryOut(speaker.setEndpoints(previously, name, undefined, at), now);",
    replace: "",
  },
  {
    name: "endpoints-move-nothing",
    file: SPEAKER,
    find: "return this.#services.has(key) ? this.#handleSome(new Set([key]), now) : [];",
    replace:
      "return this.#announced.size === 0 && this.#services.has(key) ? this.#handleSome(new Set([key]), now) : [];",
  },
  {
    name: "elect-without-address",
    file: ELECTION,
    find: "encodeUtf8(`${node.name}#${contest.ip}`)",
    replace: "encodeUtf8(node.name)",
  },
  {
    name: "elect-in-other-order",
    file: ELECTION,
    find: "encodeUtf8(`${node.name}#${contest.ip}`)",
    replace: "encodeUtf8(`${contest.ip}#${node.name}`)",
  },
  {
    name: "look-at-few-rivals",
    file: ELECTION,
    find: "step < names.length; step++",
    replace: "step < Math.min(names.length, 20); step++",
  },
  {
    name: "elect-by-last-address",
    file: ELIGIBILITY,
    find: "const [ip] = ips;",
    replace: "const ip = ips.at(-1);",
  },
  {
    name: "share-with-other-backends",
    file: ADDRESS,
    find: "if (existing.backend !== asking.backend) {",
    replace: "if (existing.backend === undefined) {",
  },
  {
    name: "backend-without-policy",
    file: REQUEST,
    find: 'backend: spec.externalTrafficPolicy === "Local" ? labelText(spec.selector ?? {}) : "",',
    replace: "backend: labelText(spec.selector ?? {}),",
  },
  {
    name: "backend-without-selector",
    file: REQUEST,
    find: '"Local" ? labelText(spec.selector ?? {}) : "",',
    replace: '"Local" ? "local" : "",',
  },
  {
    name: "edited-sharer-wakes-nobody",
    file: ALLOCATOR,
    find: "if (!same) this.#noteRelease(address, shareId);",
    replace: "",
  },
  {
    name: "terminating-must-be-unset",
    file: "impl/speaker/endpoints.ts",
    find: "return conditions?.ready !== false || conditions.serving === true;",
    replace:
      "return conditions?.terminating !== false && (conditions?.ready !== false || conditions.serving === true);",
  },
];
