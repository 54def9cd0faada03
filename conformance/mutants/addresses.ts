import { type Mutant } from "./mutant.ts";

const ALLOCATOR = "impl/controller/allocator.ts";
const CONTROLLER = "impl/controller/controller.ts";
const CONVERGE = "impl/controller/converge.ts";
const POOL_CHOICE = "impl/controller/pool-choice.ts";
const POOL_SPACE = "impl/controller/pool-space.ts";
const REQUEST = "impl/controller/service-request.ts";

/** Ways to give the wrong address, or none, or the same one twice. */
export const ADDRESS_MUTANTS: readonly Mutant[] = [
  {
    name: "forget-release",
    file: ALLOCATOR,
    find: "for (const address of held.addresses) this.#leave(address, held.claim.service);",
    replace: "",
  },
  {
    name: "deleted-service-keeps-address",
    file: CONTROLLER,
    find: "    this.#waiting.leave(key);\n    this.#allocator.release(entry.tenant);",
    replace: "    this.#waiting.leave(key);",
  },
  {
    name: "recover-by-name",
    file: CONTROLLER,
    find: "(a, b) => b.addressCount - a.addressCount || (a.key < b.key ? -1 : 1),\n    );\n    if (this.#configured) for (const entry of entries) this.#reclaim(entry);",
    replace: "(a, b) => (a.key < b.key ? -1 : 1),\n    );",
  },
  {
    name: "double-allocation",
    file: ALLOCATOR,
    find: "const refusal = place instanceof Address ? place.refusal(claim) : undefined;",
    replace: "const refusal = undefined as undefined | Refusal;",
  },
  {
    name: "ignore-other-class",
    file: CONTROLLER,
    find: 'return (spec.loadBalancerClass ?? "") === this.#lbClass;',
    replace: "return true;",
  },
  {
    name: "ignore-auto-assign",
    file: POOL_CHOICE,
    find: "this.#all.filter(({ pool }) => pool.autoAssign)",
    replace: "this.#all.filter(() => true)",
  },
  {
    name: "ignore-priority",
    file: POOL_CHOICE,
    find: "return (left ?? 0) - (right ?? 0) || byName(a, b);",
    replace: "return byName(a, b);",
  },
  {
    name: "zero-priority-first",
    file: POOL_CHOICE,
    find: "pool.allocation?.priority || Number.MAX_SAFE_INTEGER",
    replace: "pool.allocation?.priority ?? 0",
  },
  {
    name: "ignore-namespace-of-pool",
    file: POOL_SPACE,
    find: "if (namespaces.size > 0 && !namespaces.has(claim.namespace)) {",
    replace: "if (namespaces.size < 0) {",
  },
  {
    name: "ignore-service-selector-of-pool",
    file: POOL_SPACE,
    find: "if (serviceSelectors.length > 0 && !matchesAny(serviceSelectors, claim.labels)) {",
    replace: "if (serviceSelectors.length < 0) {",
  },
  {
    name: "selector-or-namespace",
    file: POOL_SPACE,
    find: "if (serviceSelectors.length > 0 && !matchesAny(serviceSelectors, claim.labels)) {",
    replace:
      "if (namespaces.size === 0 && serviceSelectors.length > 0 && !matchesAny(serviceSelectors, claim.labels)) {",
  },
  {
    name: "general-pools-first",
    file: ALLOCATOR,
    find: "bestOffer(this.#choice.pinnedFor(claim), claim, wish) ?? bestOffer(this.#choice.general, claim, wish)",
    replace: "bestOffer(this.#choice.general, claim, wish) ?? bestOffer(this.#choice.pinnedFor(claim), claim, wish)",
  },
  {
    name: "ignore-requested-pool",
    file: REQUEST,
    find: 'pool: annotation(annotations, "address-pool"),',
    replace: 'pool: "",',
  },
  {
    name: "ignore-deprecated-prefix",
    file: REQUEST,
    find: '?? annotations[DEPRECATED_PREFIX + name] ?? "";',
    replace: '?? "";',
  },
  {
    name: "request-may-be-both",
    file: REQUEST,
    find: 'if (listText !== "" && specIp !== "") {',
    replace: "if (listText === specIp) {",
  },
  {
    name: "request-need-not-be-addresses",
    file: REQUEST,
    find: "if (ip === undefined) return refuse(`invalid ${PREFIX}loadBalancerIPs: ${quote(listText)}`);",
    replace: "if (ip === undefined) return undefined;",
  },
  {
    name: "request-may-repeat-family",
    file: REQUEST,
    find: 'return typeof family === "string" ? { ips, family } : refuse(family.problem);',
    replace: 'return { ips: ips.slice(0, 2), family: typeof family === "string" ? family : "dual" };',
  },
  {
    name: "request-of-one-family-will-do",
    file: CONVERGE,
    find: 'if (desired.family !== clusterFamily) return { because: "requestedFamily", ips };',
    replace: "",
  },
  {
    name: "never-add-second-family",
    file: CONVERGE,
    find: "if (!wanted) return { ...SETTLED, events };",
    replace: "return { ...SETTLED, events };",
  },
  {
    name: "ignore-primary-family",
    file: REQUEST,
    find: 'primaryFamily: spec.ipFamilies?.[0] === "IPv6" ? "ipv6" : "ipv4",',
    replace: 'primaryFamily: "ipv4",',
  },
  {
    name: "prefer-secondary-family",
    file: ALLOCATOR,
    find: "return wish.prefer ? (primary ?? secondary) : undefined;",
    replace: "return wish.prefer ? (secondary ?? primary) : undefined;",
  },
  {
    name: "require-dual-stack-takes-one",
    file: ALLOCATOR,
    find: "return wish.prefer ? (primary ?? secondary) : undefined;",
    replace: "return primary ?? secondary;",
  },
  {
    name: "first-pool-even-if-half",
    file: ALLOCATOR,
    find: "if (v4 !== undefined && v6 !== undefined) return { pool, places: [v4, v6] };",
    replace:
      "if (v4 !== undefined && v6 !== undefined && pools.indexOf(pool) === 0) return { pool, places: [v4, v6] };",
  },
  {
    name: "keep-two-families-of-two-pools",
    file: ALLOCATOR,
    find: 'if (pool !== owner) return { because: "notInPools", ips, detail: "they are not in one pool" };',
    replace: "",
  },
  {
    name: "move-to-better-pool",
    file: CONVERGE,
    find: "  if (current.length === 0) return clear();",
    replace: "  if (current.length === 0 || request.desired === undefined) return clear();",
  },
  {
    name: "keep-family-that-no-longer-fits",
    file: CONVERGE,
    find: 'return lbFamily === clusterFamily || (clusterFamily === "dual" && request.policy === "PreferDualStack");',
    replace: 'return lbFamily === clusterFamily || clusterFamily === "dual";',
  },
  {
    name: "pool-status-once",
    file: CONTROLLER,
    find: "if (this.#reported.get(name) === text) return;",
    replace: "if (this.#reported.has(name)) return;",
  },
  {
    name: "no-warning-without-address",
    file: CONVERGE,
    find: '  type: "Warning",\n  reason: "AllocationFailed",',
    replace: '  type: "Normal",\n  reason: "Failed",',
  },
  {
    name: "forget-pool-annotation",
    file: CONTROLLER,
    find: "entry.wanted = { ingress: held?.ips ?? [], pool: held?.pool.name };",
    replace: "entry.wanted = { ingress: held?.ips ?? [], pool: undefined };",
  },
  {
    name: "know-only-deprecated-prefix",
    file: REQUEST,
    find: "return annotations[PREFIX + name] ?? annotations[DEPRECATED_PREFIX + name]",
    replace: "return annotations[DEPRECATED_PREFIX + name]",
  },
  {
    name: "never-clear-a-status",
    file: CONTROLLER,
    find: "if (write === undefined || entry.wanted === undefined) return;",
    replace: "if (write === undefined || entry.wanted === undefined || entry.wanted.ingress.length === 0) return;",
  },
  {
    name: "pools-never-go",
    file: CONTROLLER,
    find: "this.#allocator.setPools(input.config.pools);",
    replace: "if (input.config.pools.size >= this.#allocator.poolCount) this.#allocator.setPools(input.config.pools);",
  },
];
