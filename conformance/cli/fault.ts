// The faults of `assay simulate --fault`: when, what, to whom, for how long.
import { type Micros, parseDuration } from "../../impl/wire/time.ts";
import { type Topology } from "../topology/model.ts";
import { type Ending, type World } from "../world.ts";

/** What a person wrote cannot be understood; the message says what could. */
export class FaultError extends Error {
  override readonly name = "FaultError";
}

export interface PlannedFault {
  readonly at: Micros;
  /** How long it lasts; undefined: to the end, or it is over at once. */
  readonly lasts: Micros | undefined;
  readonly text: string;
  /** `ownerOf` finds the node that holds the first address at that time, for the word `owner`. */
  start(world: World, ownerOf: () => string | undefined): Promise<Ending | undefined>;
}

const HELP = `A fault is "TIME VERB TARGET [ARGUMENT] [for DURATION]", such as "10s crash owner" or "20s loss k8s-worker 30% for 1m":
  crash NODE             the node is gone without a word, as if its power had failed
  kill-speaker NODE      the speaker is killed and started again after two seconds
  pause-speaker NODE     the speaker does nothing (SIGSTOP); give "for"
  hang NODE              the kernel does nothing while its links stay up
  link-down NODE:LINK    carrier is lost
  cut-api NODE           the speaker cannot reach the API server
  api-outage             nobody can reach the API server
  loss NODE PERCENT      frames from and to the node are lost
  delay NODE DURATION    frames from and to the node are late
  partition A,B|C,D      no frame passes between the groups
  kill-controller        the controller is killed and started again after two seconds
NODE is a name of the topology, node-1 for its first node and so on, or owner: whoever holds the first address then.`;

export function faultHelp(): string {
  return HELP;
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

const RESTART: Micros = parseDuration("2s");

function readNode(word: string, topology: Topology): string {
  if (word === "owner") return word;
  const [, ordinal] = /^node-(\d+)$/.exec(word) ?? [];
  const known = ordinal === undefined ? undefined : topology.nodes[Number(ordinal) - 1];
  const name = topology.stations.some((station) => station.name === word) ? word : known;
  if (name === undefined) {
    throw new FaultError(`there is no node "${word}" in ${topology.name}: its nodes are ${topology.nodes.join(", ")}`);
  }
  return name;
}

function readVerb(verb: string, words: readonly string[], topology: Topology): Start {
  const [target = "", argument = ""] = words;
  const expectWords = (count: number): void => {
    if (words.length !== count)
      throw new FaultError(`"${verb}" takes ${count} words behind it, not ${words.length}\n\n${HELP}`);
  };
  const byNode = NODE_VERBS[verb];
  if (byNode !== undefined) {
    expectWords(1);
    const node = readNode(target, topology);
    return (world, resolve) => byNode(world, resolve(node));
  }
  if (verb === "link-down") {
    expectWords(1);
    const [name = "", link = ""] = target.split(":");
    const node = readNode(name, topology);
    const station = topology.stations.find((item) => item.name === node);
    if (link === "" || (station !== undefined && !station.interfaces.some((item) => item.name === link))) {
      throw new FaultError(
        `"${target}" is not NODE:LINK: ${node} has ${station?.interfaces.map((item) => item.name).join(", ") ?? "no links"}`,
      );
    }
    return (world, resolve) => world.node(resolve(node)).linkDown(link);
  }
  if (verb === "loss" || verb === "delay") {
    expectWords(2);
    const node = readNode(target, topology);
    const percent = /^(\d+(?:\.\d+)?)%$/.exec(argument)?.[1];
    if (verb === "loss" && percent === undefined) throw new FaultError(`"${argument}" is not a percentage such as 30%`);
    const fault = verb === "loss" ? { loss: Number(percent) / 100 } : { delay: parseDuration(argument, "delay") };
    return (world, resolve) => world.network.fault({ at: resolve(node), ...fault });
  }
  if (verb === "partition") {
    expectWords(1);
    const groups = target.split("|").map((group) => group.split(",").map((word) => readNode(word, topology)));
    if (groups.length < 2) throw new FaultError(`"${target}" names one group: A,B|C`);
    return (world, resolve) => world.network.partition(groups.map((group) => group.map(resolve)));
  }
  if (verb === "api-outage") {
    expectWords(0);
    return (world) => world.api.outage("refuse");
  }
  if (verb === "kill-controller") {
    expectWords(0);
    return async (world) => {
      await world.controller.crash();
      return { end: () => world.controller.start() };
    };
  }
  throw new FaultError(`there is no fault "${verb}"\n\n${HELP}`);
}

/** Reads one `--fault`. Throws FaultError, which says what is wrong and what could be written. */
export function readFault(text: string, topology: Topology): PlannedFault {
  const words = text.trim().split(/\s+/);
  const forAt = words.indexOf("for");
  const body = forAt < 0 ? words : words.slice(0, forAt);
  const [time = "", verb = "", ...rest] = body;
  if (forAt >= 0 && words.length !== forAt + 2) throw new FaultError(`"for" in "${text}" needs one duration behind it`);
  try {
    const lasts = forAt < 0 ? (verb.startsWith("kill-") ? RESTART : undefined) : parseDuration(words[forAt + 1] ?? "");
    const at = parseDuration(time);
    if (at < 0) throw new FaultError(`"${time}" lies before the start`);
    const start = readVerb(verb, rest, topology);
    return {
      at,
      lasts,
      text: body.slice(1).join(" "),
      start: (world, ownerOf) =>
        start(world, (node) => {
          const found = node === "owner" ? ownerOf() : node;
          if (found === undefined) throw new FaultError(`"${text}": nobody holds an address at that time`);
          return found;
        }),
    };
  } catch (error) {
    if (error instanceof FaultError) throw error;
    throw new FaultError(`"${text}": ${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
  }
}
