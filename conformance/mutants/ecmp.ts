import { type Mutant } from "./mutant.ts";

const RESILIENT = "sim/host/selector-resilient.ts";
const SELECTOR = "sim/host/selector.ts";

/** Ways in which a speaker moves flows that could have stayed, or leaves them where nobody answers. */
const SPEAKER_MUTANTS: readonly Mutant[] = [
  {
    name: "ecmp-never-watched",
    file: "impl/speaker/bgp/path-watch.ts",
    find: "if (profile === undefined) return this.release(peer.name, now);",
    replace: "if (profile !== undefined || profile === undefined) return this.release(peer.name, now);",
  },
  {
    name: "ecmp-pods-of-others-count",
    file: "impl/speaker/bgp/advertise/eligibility.ts",
    find: "if (local && !endpoints.nodes.has(node.name))",
    replace: "if (local && endpoints.nodes.size === 0)",
  },
  {
    name: "ecmp-excluded-with-its-pods",
    file: "impl/speaker/bgp/advertise/eligibility.ts",
    find: "if (node.excluded && !ignoreExcludeLabel)",
    replace: "if (node.excluded && !ignoreExcludeLabel && !endpoints.nodes.has(node.name))",
  },
  {
    name: "ecmp-cordoned-is-excluded",
    file: "impl/shell/speaker-watches.ts",
    find: `function projectNode({ apiVersion, kind, metadata, status }: NodeObject): NodeObject {
  const conditions = (status?.conditions ?? []).filter(({ type }) => type === "NetworkUnavailable");
`,
    replace: `function projectNode({ apiVersion, kind, metadata, spec, status }: NodeObject): NodeObject {
  const conditions = (status?.conditions ?? []).filter(({ type }) => type === "NetworkUnavailable");
  if (spec?.unschedulable === true) conditions.push({ type: "NetworkUnavailable", status: "True" });
`,
  },
  {
    name: "ecmp-first-pod-takes-its-node-along",
    file: "impl/speaker/endpoints.ts",
    find: "  return { serving, nodes };\n}\n\n/** The endpoints of several slices",
    replace:
      "  for (const { conditions, nodeName } of slice.endpoints ?? []) if (conditions?.terminating) nodes.delete(nodeName ?? '');\n" +
      "  return { serving, nodes };\n}\n\n/** The endpoints of several slices",
  },
];

/** Ways in which a simulated router would spread flows as none does: what is measured with it would be wrong. */
const ROUTER_MUTANTS: readonly Mutant[] = [
  {
    name: "ecmp-modulo-for-threshold",
    file: SELECTOR,
    find: "return new ThresholdSelector();",
    replace: "return new ModuloSelector();",
  },
  {
    name: "ecmp-threshold-for-modulo",
    file: SELECTOR,
    find: "return new ModuloSelector();",
    replace: "return new ThresholdSelector();",
  },
  {
    name: "ecmp-threshold-for-resilient",
    file: SELECTOR,
    find: "return new ResilientSelector(settings);",
    replace: "return new ThresholdSelector();",
  },
  {
    name: "ecmp-buckets-of-others-move",
    file: RESILIENT,
    find: "bucket.member === undefined ? undefined : members.get(nextHopKey(bucket.member.nextHop));",
    replace: "undefined;",
  },
  {
    name: "ecmp-buckets-forgotten",
    file: "sim/host/routes.ts",
    find: "rows[at] = this.#rowOf(route, old.selector);",
    replace: "rows[at] = this.#rowOf(route, undefined);",
  },
  {
    name: "ecmp-idle-timer-ignored",
    file: RESILIENT,
    find: "const idleAt = usedAt === migratedAt ? now : plus(usedAt, idleTimer);",
    replace: "const idleAt = now;",
  },
  {
    name: "ecmp-use-not-noticed",
    file: RESILIENT,
    find: "if (bucket !== undefined) bucket.usedAt = now;",
    replace: "if (bucket?.member === undefined) return;",
  },
  {
    name: "ecmp-buckets-never-move",
    file: RESILIENT,
    find: "if (unbalancedTimer === 0) return idleAt;",
    replace: "if (unbalancedTimer === 0) return NEVER;",
  },
  {
    name: "ecmp-unbalanced-timer-ignored",
    file: RESILIENT,
    find: "return forcedAt < idleAt ? forcedAt : idleAt;",
    replace: "return forcedAt < idleAt ? idleAt : idleAt;",
  },
  {
    name: "ecmp-ports-ignored",
    file: "sim/host/multipath-hash.ts",
    find: 'if (inputs === "l4") putInOrder(',
    replace: "if (sourcePort < 0) putInOrder(",
  },
  {
    name: "ecmp-ports-always",
    file: "sim/host/multipath-hash.ts",
    find: 'if (inputs === "l4") putInOrder(',
    replace: "if (sourcePort > 0) putInOrder(",
  },
  {
    name: "ecmp-destination-ignored",
    file: "sim/host/multipath-hash.ts",
    find: "const addresses = [ipToBytes(source), ipToBytes(destination)] as const;",
    replace: "const addresses = [ipToBytes(source), ipToBytes(version4 ? source : destination).fill(0)] as const;",
  },
  {
    name: "ecmp-seed-ignored",
    file: "sim/host/multipath-hash.ts",
    find: "[seed, seed, seed, seed]",
    replace: "[1, 1, seed * 0, 1]",
  },
  {
    name: "ecmp-silent-never-passed-over",
    file: "sim/host/routed-namespace.ts",
    find: "this.#multipath.passOverSilent !== true || this.#mayAnswer(nextHop)",
    replace: "this.#multipath.passOverSilent !== true || nextHop !== undefined",
  },
  {
    name: "ecmp-silent-always-passed-over",
    file: "sim/host/routed-namespace.ts",
    find: "this.#multipath.passOverSilent !== true || this.#mayAnswer(nextHop)",
    replace: "this.#mayAnswer(nextHop)",
  },
  {
    name: "ecmp-maximum-paths-ignored",
    file: "sim/router/bgp/decision.ts",
    find: "distinct(inOrder, best).slice(0, most - 1)",
    replace: "distinct(inOrder, best).slice(0, most + 100)",
  },
  {
    name: "ecmp-sixteen-paths-at-most",
    file: "sim/router/bgp/decision.ts",
    find: "distinct(inOrder, best).slice(0, most - 1)",
    replace: "distinct(inOrder, best).slice(0, Math.min(most, 16) - 1)",
  },
  {
    name: "ecmp-next-hops-by-age",
    file: "sim/router/fib.ts",
    find: "compareVia(one.via, other.via) || (one.device < other.device ? -1 : 1)",
    replace: "one.device.length - other.device.length",
  },
];

export const ECMP_MUTANTS: readonly Mutant[] = [...SPEAKER_MUTANTS, ...ROUTER_MUTANTS];
