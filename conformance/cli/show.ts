// assay show: what each speaker of a simulated cluster can tell of itself at some time.
import { didYouMean } from "../../impl/api/schema/spelling.ts";
import { BgpWitness } from "./bgp/witness.ts";
import { problemLine } from "./check.ts";
import { checkWritable, UsageError, writeResult } from "./output.ts";
import { play } from "./play.ts";
import { introduce, openPrepared, prepare, type Prepared, readLength, type WorldFlags } from "./prepare.ts";
import { Interrupt, Progress } from "./progress.ts";
import { bfdDetails, bfdSummary } from "./show/bfd.ts";
import { bgpDetails, bgpSummary } from "./show/bgp.ts";
import { layer2Summary } from "./show/layer2.ts";
import { membersDetails, membersSummary } from "./show/members.ts";
import { type NodeView } from "./show/node-view.ts";
import { Timeline } from "./timeline.ts";

export interface ShowFlags extends WorldFlags {
  readonly at?: string;
  readonly node?: string;
  readonly json?: string;
}

interface Subject {
  /** Of all nodes, or of one where that is asked for. */
  readonly summary: (views: readonly NodeView[]) => string;
  /** More about one node. */
  readonly details?: (view: NodeView) => string;
}

const SUBJECTS: Readonly<Record<string, Subject>> = {
  bgp: { summary: bgpSummary, details: bgpDetails },
  bfd: { summary: bfdSummary, details: bfdDetails },
  l2: { summary: layer2Summary },
  members: { summary: membersSummary, details: membersDetails },
};

const USUAL_TIME = "30s";

function subjectOf(what: string): Subject {
  const subject = Object.hasOwn(SUBJECTS, what) ? SUBJECTS[what] : undefined;
  if (subject !== undefined) return subject;
  const names = Object.keys(SUBJECTS);
  const meant = didYouMean(what, names);
  const hint = meant === undefined ? "" : `, did you mean ${meant}?`;
  throw new UsageError(`there is nothing called "${what}" to show, only ${names.join(", ")}${hint}`);
}

/** The nodes that are asked for. */
function nodesFor(wanted: string | undefined, { before }: Prepared): readonly string[] {
  const { topology, players } = before;
  if (wanted === undefined) return topology.nodes;
  const [, ordinal] = /^node-(\d+)$/.exec(wanted) ?? [];
  const name = topology.nodes.includes(wanted) ? wanted : (players.get(wanted) ?? topology.nodes[Number(ordinal) - 1]);
  if (name !== undefined) return [name];
  throw new UsageError(`--node ${wanted}: the nodes of ${topology.name} are ${topology.nodes.join(", ")}`);
}

interface Shown {
  readonly views: readonly NodeView[];
  /** Nodes without a speaker. */
  readonly gone: readonly string[];
  readonly refused: readonly string[];
  readonly interrupted: boolean;
}

async function look(flags: ShowFlags, prepared: Prepared, nodes: readonly string[]): Promise<Shown> {
  const { before, length, faults } = prepared;
  const timeline = new Timeline();
  const progress = new Progress();
  using interrupt = new Interrupt();
  const { run, refused } = await openPrepared(prepared, { seed: flags.seed, capture: false, timeline });
  const witness = new BgpWitness(run, before.topology, timeline, before.objects);
  const { missed, interrupted } = await play({ run, length, timeline, witness, faults, progress, interrupt });
  const found = nodes.map((node) => ({ node, view: witness.view(node) }));
  await run.close();
  progress.clear();
  return {
    views: found.flatMap(({ view }) => view ?? []),
    gone: found.flatMap(({ node, view }) => (view === undefined ? node : [])),
    refused: [...refused.map((text) => `refused: ${text}`), ...missed.map((text) => `struck nobody: ${text}`)],
    interrupted,
  };
}

/** `assay show`: 0 it was shown, 1 some speaker does not run or something was refused, 2 it could not be tried. */
export async function showCommand(what: string, flags: ShowFlags): Promise<number> {
  const subject = subjectOf(what);
  checkWritable("--json", flags.json);
  const length = readLength("--at", flags.at ?? USUAL_TIME);
  const prepared = await prepare(flags, length, []);
  const nodes = nodesFor(flags.node, prepared);
  const say = (text: string): void => {
    if (flags.json !== "-") console.log(text);
  };
  if (!introduce(prepared, flags.seed, say)) {
    if (flags.json === "-") for (const problem of prepared.manifests.problems) console.error(problemLine(problem));
    return 2;
  }
  const { views, gone, refused, interrupted } = await look(flags, prepared, nodes);
  for (const text of refused) say(text);
  const one = flags.node === undefined ? undefined : subject.details;
  const [first] = views;
  if (first !== undefined) say(one === undefined ? subject.summary(views) : one(first));
  if (gone.length > 0) say(`no speaker runs on ${gone.join(", ")}`);
  if (flags.json !== undefined) writeResult("--json", flags.json, `${JSON.stringify(views, null, 1)}\n`);
  if (interrupted) return 130;
  return gone.length > 0 || refused.length > 0 ? 1 : 0;
}
