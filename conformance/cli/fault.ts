// The faults of `assay simulate --fault`: when, what, to whom, for how long.
import { didYouMean } from "../../impl/api/schema/spelling.ts";
import { ConfigError } from "../../impl/wire/errors.ts";
import { type Micros, parseDuration } from "../../impl/wire/time.ts";
import { type Topology } from "../topology/model.ts";
import { type Ending, type World } from "../world.ts";

/** What a person wrote cannot be understood; the message says what could. */
export class FaultError extends Error {
  override readonly name = "FaultError";
}

/** A fault that runs. */
export interface Struck {
  /** With the names of those whom it struck. */
  readonly what: string;
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
  kill-speaker NODE      the speaker is killed and started again after two seconds
  pause-speaker NODE     the speaker does nothing (SIGSTOP)
  kill-controller        the controller is killed and started again after two seconds
  link-down NODE:LINK    carrier is lost
  loss NODE PERCENT      frames from and to the node or client are lost
  delay NODE DURATION    frames from and to the node or client are late
  partition A,B|C,D      no frame passes between the groups
  cut-api NODE           the speaker cannot reach the API server
  api-outage             nobody can reach the API server
Without "for" it lasts to the end. NODE is a name of the topology (or of a Node in the manifests), node-1 for its first
node and so on, or owner: whoever holds the first address then.`;

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
  "pause-speaker": (world, node) => world.node(node).pauseSpeaker(),
  "cut-api": (world, node) => world.node(node).cutFromApi(),
  "kill-speaker": async (world, node) => {
    await world.node(node).crashSpeaker();
    return { end: () => world.node(node).startSpeaker() };
  },
};

const OTHER_VERBS = ["link-down", "loss", "delay", "partition", "api-outage", "kill-controller"] as const;
const RESTART: Micros = parseDuration("2s");

function readStation(word: string, { topology, players }: FaultScope): string {
  if (word === "owner") return word;
  const names = topology.stations.map(({ name }) => name);
  if (names.includes(word)) return word;
  const [, ordinal] = /^node-(\d+)$/.exec(word) ?? [];
  const known = players?.get(word) ?? (ordinal === undefined ? undefined : topology.nodes[Number(ordinal) - 1]);
  if (known !== undefined) return known;
  const meant = didYouMean(word, [...names, "owner"]);
  const hint = meant === undefined ? "" : `, did you mean ${meant}?`;
  throw new FaultError(
    `there is no node "${word}" in ${topology.name}: its nodes are ${topology.nodes.join(", ")}${hint}`,
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
  const node = readNode(name, scope);
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
  if (byNode !== undefined || verb === "link-down" || verb === "partition") expectWords(1);
  if (byNode !== undefined) {
    const node = readNode(target, scope);
    return (world, resolve) => byNode(world, resolve(node));
  }
  if (verb === "link-down") return readLink(target, scope);
  if (verb === "partition") return readPartition(target, scope);
  if (verb === "loss" || verb === "delay") {
    expectWords(2);
    return readFrames(verb, target, argument, scope);
  }
  if (verb === "api-outage" || verb === "kill-controller") {
    expectWords(0);
    return verb === "api-outage" ? startApiOutage : startControllerKill;
  }
  const meant = didYouMean(verb, [...Object.keys(NODE_VERBS), ...OTHER_VERBS]);
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
    forAt < 0 ? (verb.startsWith("kill-") ? RESTART : undefined) : parseDuration(words[forAt + 1] ?? "", "for");
  if (lasts !== undefined && lasts <= 0) throw new FaultError("it must last longer than that");
  const name = body.slice(1).join(" ");
  return {
    at,
    lasts,
    text: name,
    async start(world, ownerOf) {
      const owner = ownerOf();
      const ending = await start(world, (node) => {
        if (node !== "owner") return node;
        if (owner === undefined) throw new FaultError("nobody holds an address at that time");
        return owner;
      });
      return { what: withNames(name, scope, owner), ending };
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
