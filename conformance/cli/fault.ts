// The faults of `assay simulate --fault`: when, what, to whom, for how long.
import { EXCLUDE_LABEL } from "../../impl/api/kubernetes.ts";
import { didYouMean } from "../../impl/api/schema/spelling.ts";
import { ConfigError } from "../../impl/wire/errors.ts";
import { type Micros, parseDuration } from "../../impl/wire/time.ts";
import { type Topology } from "../topology/model.ts";
import { type Ending, type RouterControl, type World } from "../world.ts";

/** What a person wrote cannot be understood; the message says what could. */
export class FaultError extends Error {
  override readonly name = "FaultError";
}

/** A fault that runs. */
export interface Struck {
  /** With the names of those whom it struck. */
  readonly what: string;
  /** Nodes whose traffic it concerns. */
  readonly nodes: readonly string[];
  readonly ending: Ending | undefined;
}

export interface PlannedFault {
  readonly at: Micros;
  /** How long it lasts; undefined: to the end, or it is over at once. */
  readonly lasts: Micros | undefined;
  /** As it was written, without the times. */
  readonly text: string;
  /** `ownerOf` finds the node that holds the first address at that time. Throws FaultError where nobody can be struck. */
  readonly start: (world: World, ownerOf: () => string | undefined) => Promise<Struck>;
}

const HELP = `A fault is "TIME VERB TARGET [ARGUMENT] [for DURATION]", such as "10s crash owner" or "20s loss k8s-worker 30% for 1m":
  crash NODE             the node is gone without a word, as if its power had failed; with "for" it boots again
  hang NODE              the kernel does nothing while its links stay up
  exclude NODE           it gets the label that keeps nodes out of load balancing, as before a drain; with "for" until then
  kill-speaker NODE      the speaker is killed and started again after two seconds
  restart-speaker NODE   the speaker is asked to end (SIGTERM) and started again after two seconds
  pause-speaker NODE     the speaker does nothing (SIGSTOP)
  kill-controller        the controller is killed and started again after two seconds
  link-down NODE:LINK    carrier is lost
  loss NODE PERCENT      frames from and to the node or client are lost
  delay NODE DURATION    frames from and to the node or client are late
  partition A,B|C,D      no frame passes between the groups
  cut-api NODE           the speaker cannot reach the API server
  api-outage             nobody can reach the API server
  crash ROUTER           the router is gone as if its power had failed; with "for" it boots again
  kill-router ROUTER     its daemons are killed and started again after two seconds; its kernel goes on forwarding
  pause-router ROUTER    its daemons do nothing (SIGSTOP), and its kernel goes on forwarding
  clear ROUTER NODE      it ends its sessions with the node (clear bgp)
  link-down ROUTER:LINK  carrier is lost
Without "for" it lasts to the end; after kill- and restart- it says how long until the start. NODE is a name of the topology
(or of a Node in the manifests), node-1 for its first node and so on, or owner: whoever holds the first address then, or is
the first next hop to it. "assay topology NAME" names nodes, routers and links.`;

const MORE = "assay simulate --help shows all faults";

export function faultHelp(): string {
  return HELP;
}

/** Names that a fault may use. */
export interface FaultScope {
  readonly topology: Topology;
  /** Nodes of the topology by other names for them. */
  readonly players?: ReadonlyMap<string, string>;
  /** When the run ends. */
  readonly end?: Micros;
}

type Start = (world: World, resolve: (node: string) => string) => Promise<Ending | undefined>;

/** Verbs that take a node, and nothing else. */
const NODE_VERBS: Readonly<Record<string, (world: World, node: string) => Promise<Ending | undefined>>> = {
  crash: (world, node) => world.node(node).powerOff(),
  hang: (world, node) => world.node(node).hangKernel(),
  exclude: async (world, node) => {
    await labelExcluded(world, node, "");
    return { end: () => labelExcluded(world, node, null) };
  },
  "pause-speaker": (world, node) => world.node(node).pauseSpeaker(),
  "cut-api": (world, node) => world.node(node).cutFromApi(),
  "kill-speaker": async (world, node) => {
    await world.node(node).crashSpeaker();
    return { end: () => world.node(node).startSpeaker() };
  },
  "restart-speaker": async (world, node) => {
    await world.node(node).stopSpeaker();
    return { end: () => world.node(node).startSpeaker() };
  },
};

/** Verbs that take a router, and nothing else. */
const ROUTER_VERBS: Readonly<Record<string, (router: RouterControl) => Promise<Ending>>> = {
  crash: (router) => router.powerOff(),
  "kill-router": (router) => router.crashDaemons(),
  "pause-router": (router) => router.pauseDaemons(),
};

const labelExcluded = (world: World, node: string, value: string | null): Promise<void> =>
  world.kubernetes.patch("Node", node, { metadata: { labels: { [EXCLUDE_LABEL]: value } } });

const OTHER_VERBS = ["link-down", "loss", "delay", "partition", "clear", "api-outage", "kill-controller"] as const;
const RESTART: Micros = parseDuration("2s");

const routersOf = ({ stations }: Topology): readonly string[] =>
  stations.flatMap(({ name, frr }) => (frr === undefined ? [] : name));

function readRouter(word: string, { topology }: FaultScope): string {
  const routers = routersOf(topology);
  if (routers.includes(word)) return word;
  const meant = didYouMean(word, routers);
  const which = routers.length === 0 ? "it has none" : `its routers are ${routers.join(", ")}`;
  throw new FaultError(
    `there is no router "${word}" in ${topology.name}: ${which}${meant === undefined ? "" : `, did you mean ${meant}?`}`,
  );
}

function readClear(target: string, argument: string, scope: FaultScope): Start {
  const router = readRouter(target, scope);
  const node = readNode(argument, scope);
  return async (world, resolve) => {
    const control = world.router(router);
    const name = resolve(node);
    for (const { address, node: owner } of await control.neighbors()) {
      if (owner === name) await control.clear(address, "hard");
    }
    return undefined;
  };
}

function readStation(word: string, { topology, players }: FaultScope): string {
  if (word === "owner") return word;
  const names = topology.stations.map(({ name }) => name);
  if (names.includes(word)) return word;
  const [, ordinal] = /^node-(\d+)$/.exec(word) ?? [];
  const known = players?.get(word) ?? (ordinal === undefined ? undefined : topology.nodes[Number(ordinal) - 1]);
  if (known !== undefined) return known;
  const meant = didYouMean(word, [...names, "owner"]);
  const hint = meant === undefined ? "" : `, did you mean ${meant}?`;
  const routers = routersOf(topology);
  const others = routers.length === 0 ? "" : `, its routers ${routers.join(", ")}`;
  throw new FaultError(
    `there is no node "${word}" in ${topology.name}: its nodes are ${topology.nodes.join(", ")}${others}${hint}`,
  );
}

function readNode(word: string, scope: FaultScope): string {
  const name = readStation(word, scope);
  const { nodes } = scope.topology;
  if (name === "owner" || nodes.includes(name)) return name;
  throw new FaultError(`${name} is not a node of the cluster: its nodes are ${nodes.join(", ")}`);
}

function readLink(target: string, scope: FaultScope): Start {
  const at = target.lastIndexOf(":");
  const [name, link] = at < 0 ? [target, ""] : [target.slice(0, at), target.slice(at + 1)];
  const isRouter = routersOf(scope.topology).includes(name);
  const node = isRouter ? name : readNode(name, scope);
  const { stations, cables, nodes, name: where } = scope.topology;
  // The owner is not known yet: any node's cables will do.
  const candidates = node === "owner" ? nodes : [node];
  const links = new Set(
    cables
      .flat()
      .filter((plug) => candidates.includes(plug.name))
      .map(({ port }) => port),
  );
  if (!links.has(link)) {
    const exists = stations.some(
      (station) => station.name === node && station.interfaces.some((item) => item.name === link),
    );
    const why = link === "" ? "is not NODE:LINK" : exists ? "has no cable" : `is no link of ${where}`;
    throw new FaultError(`"${target}" ${why}: ${node} has ${[...links].join(", ")}`);
  }
  if (isRouter) return (world) => world.router(node).linkDown(link);
  return (world, resolve) => world.node(resolve(node)).linkDown(link);
}

function readFrames(verb: "loss" | "delay", target: string, argument: string, scope: FaultScope): Start {
  const station = readStation(target, scope);
  if (verb === "delay") {
    const delay = parseDuration(argument, "delay");
    return (world, resolve) => world.network.fault({ at: resolve(station), delay });
  }
  const percent = Number(/^(\d+(?:\.\d+)?)%$/.exec(argument)?.[1]);
  if (!(percent >= 0 && percent <= 100)) throw new FaultError(`"${argument}" is not a percentage such as 30%`);
  return (world, resolve) => world.network.fault({ at: resolve(station), loss: percent / 100 });
}

function readPartition(target: string, scope: FaultScope): Start {
  const groups = target.split("|").map((group) => group.split(",").map((word) => readStation(word, scope)));
  if (groups.length < 2) throw new FaultError(`"${target}" names one group, a partition needs two: A,B|C`);
  const all = groups.flat();
  const twice = all.find((name, index) => all.indexOf(name) !== index);
  if (twice !== undefined) throw new FaultError(`"${target}" names ${twice} twice`);
  return (world, resolve) => world.network.partition(groups.map((group) => group.map(resolve)));
}

const startApiOutage: Start = (world) => world.api.outage("refuse");

const startControllerKill: Start = async (world) => {
  await world.controller.crash();
  return { end: () => world.controller.start() };
};

function readVerb(verb: string, words: readonly string[], scope: FaultScope): Start {
  const [target = "", argument = ""] = words;
  const expectWords = (count: number): void => {
    if (words.length === count) return;
    throw new FaultError(
      `"${verb}" takes ${count} word${count === 1 ? "" : "s"} behind it, not ${words.length}; ${MORE}`,
    );
  };
  const byNode = NODE_VERBS[verb];
  const byRouter = ROUTER_VERBS[verb];
  const one = byNode !== undefined || byRouter !== undefined;
  if (one || verb === "link-down" || verb === "partition") expectWords(1);
  if (byRouter !== undefined && (byNode === undefined || routersOf(scope.topology).includes(target))) {
    const router = readRouter(target, scope);
    return (world) => byRouter(world.router(router));
  }
  if (byNode !== undefined) {
    const node = readNode(target, scope);
    return (world, resolve) => byNode(world, resolve(node));
  }
  if (verb === "link-down") return readLink(target, scope);
  if (verb === "partition") return readPartition(target, scope);
  if (verb === "clear") {
    expectWords(2);
    return readClear(target, argument, scope);
  }
  if (verb === "loss" || verb === "delay") {
    expectWords(2);
    return readFrames(verb, target, argument, scope);
  }
  if (verb === "api-outage" || verb === "kill-controller") {
    expectWords(0);
    return verb === "api-outage" ? startApiOutage : startControllerKill;
  }
  const meant = didYouMean(verb, [...Object.keys(NODE_VERBS), ...Object.keys(ROUTER_VERBS), ...OTHER_VERBS]);
  throw new FaultError(`there is no fault "${verb}"${meant === undefined ? "" : `, did you mean ${meant}?`}; ${MORE}`);
}

function readTime(text: string, { end }: FaultScope): Micros {
  const at = parseDuration(text, "time");
  if (at < 0) throw new FaultError(`"${text}" lies before the start`);
  if (end !== undefined && at >= end)
    throw new FaultError(`"${text}" lies after the end of the run (--for ${end / 1e6}s)`);
  return at;
}

/** Behind every other name for a node its own. */
function withNames(text: string, { topology, players }: FaultScope, owner: string | undefined): string {
  return text.replaceAll(/[^\s,|:]+/g, (word) => {
    const [, ordinal] = /^node-(\d+)$/.exec(word) ?? [];
    const name = word === "owner" ? owner : (players?.get(word) ?? topology.nodes[Number(ordinal) - 1]);
    return name === undefined || name === word ? word : `${word} (${name})`;
  });
}

function planFault(text: string, scope: FaultScope): PlannedFault {
  const words = text.trim().split(/\s+/);
  const forAt = words.indexOf("for");
  const body = forAt < 0 ? words : words.slice(0, forAt);
  const [time = "", verb = "", ...rest] = body;
  if (forAt >= 0 && words.length !== forAt + 2) throw new FaultError('"for" needs one duration behind it');
  if (verb === "") throw new FaultError(`a fault needs a time and a verb; ${MORE}`);
  const at = readTime(time, scope);
  const start = readVerb(verb, rest, scope);
  const lasts =
    forAt < 0 ? (/^(kill|restart)-/.test(verb) ? RESTART : undefined) : parseDuration(words[forAt + 1] ?? "", "for");
  if (lasts !== undefined && lasts <= 0) throw new FaultError("it must last longer than that");
  const name = body.slice(1).join(" ");
  return {
    at,
    lasts,
    text: name,
    async start(world, ownerOf) {
      const owner = ownerOf();
      const struck = new Set<string>();
      const ending = await start(world, (node) => {
        const found = node === "owner" ? owner : node;
        if (found === undefined) throw new FaultError("nobody holds an address at that time");
        struck.add(found);
        return found;
      });
      const nodes = verb === "partition" ? [] : scope.topology.nodes.filter((node) => struck.has(node));
      return { what: withNames(name, scope, owner), nodes, ending };
    },
  };
}

/** Reads one `--fault`. Throws FaultError, which says what is wrong and what could be written. */
export function readFault(text: string, scope: FaultScope): PlannedFault {
  try {
    return planFault(text, scope);
  } catch (error) {
    if (error instanceof FaultError || error instanceof ConfigError) {
      throw new FaultError(`--fault "${text}": ${error.message}`);
    }
    throw error;
  }
}
