// The outcome of a simulation, for a person and for a program.
import { type CheckProblem } from "../../impl/api/check-source.ts";
import { type Micros } from "../../impl/wire/time.ts";
import { bgpJson, consequenceJson } from "./bgp/report-json.ts";
import { bgpTables } from "./bgp/tables.ts";
import { type BgpReport } from "./bgp/witness.ts";
import { type Consequence } from "./consequences.ts";
import { longest } from "./outages.ts";
import { formatDuration, paint, table } from "./output.ts";
import { type ClientReport } from "./prober.ts";
import { type Entry } from "./timeline.ts";
import { type Verdict } from "./verdict.ts";
import { counted, few } from "./words.ts";

export interface SimulationReport {
  readonly topology: string;
  /** How many nodes it has. */
  readonly nodes: number;
  readonly seed: string;
  /** How long was simulated; shorter than asked for where the run was interrupted. */
  readonly length: Micros;
  readonly interrupted: boolean;
  readonly problems: readonly CheckProblem[];
  readonly notes: readonly string[];
  /** What the API server did not take, with its reason. */
  readonly refused: readonly string[];
  /** Faults that could not strike. */
  readonly missed: readonly string[];
  readonly timeline: readonly Entry[];
  readonly services: readonly Verdict[];
  readonly clients: readonly ClientReport[];
  /** Undefined: there are no BGPPeers. */
  readonly bgp: BgpReport | undefined;
  readonly consequences: readonly Consequence[];
  readonly hash: string | undefined;
  readonly violations: readonly string[];
}

const COLOURS = {
  address: "green",
  owner: "cyan",
  session: "blue",
  bfd: "blue",
  route: "cyan",
  fault: "red",
  event: "yellow",
  client: "magenta",
} as const;

/** `  10.000 s  fault    crash owner (k8s-worker2)`. */
const entryLine = ({ at, kind, text }: Entry): string =>
  `${(at / 1e6).toFixed(3).padStart(9)} s  ${paint(COLOURS[kind], kind.padEnd(8))} ${text}`;

/** `tor by 3 of 3 nodes`. */
function routedWords({ routed }: Verdict, nodes: number): string {
  const parts = routed.map(({ peer, nodes: by }) => `${peer} by ${by.length} of ${counted(nodes, "node")}`);
  return parts.length === 0 ? "nobody" : few(parts);
}

/** `nodes` of the cluster; with BGP the table says to whom a Service is announced. */
function serviceTable(services: readonly Verdict[], nodes: number, hasBgp: boolean): string {
  const rows = services.map((verdict) => {
    const { service, addresses, owners, because, routed } = verdict;
    const nobody = routed.length > 0 ? "-" : "nobody";
    const bgp = hasBgp ? [routedWords(verdict, nodes)] : [];
    return [service, addresses.join(", ") || "none", owners.join(", ") || nobody, ...bgp, because ?? ""];
  });
  return table([["SERVICE", "ADDRESS", "OWNER", ...(hasBgp ? ["ANNOUNCED TO"] : []), "WHY"], ...rows]);
}

function missedWords({ clients }: Consequence): string {
  const words = clients.map(({ client, silent, shaky, lost }) => {
    const outage = silent >= shaky ? `silent for ${formatDuration(silent)}` : `shaky for ${formatDuration(shaky)}`;
    return `${client} ${outage}, ${lost} lost`;
  });
  return few(words) || "nothing";
}

function leftWords({ routes }: Consequence): string {
  const words = routes.map(({ router, node, prefixes, kept, lasted }) => {
    const gone = lasted === undefined ? [] : [`gone after ${formatDuration(lasted)}`];
    const left = kept === 0 ? [] : [kept === prefixes ? "kept" : `but ${kept} kept`];
    return `${router}: ${counted(prefixes, "route")} by ${node} ${[...gone, ...left].join(", ")}`;
  });
  return few(words);
}

function consequenceTable(consequences: readonly Consequence[]): string {
  const rows = consequences.map((each) => [
    `${(each.at / 1e6).toFixed(2)} s ${each.fault}`,
    missedWords(each),
    leftWords(each),
  ]);
  const hasRoutes = consequences.some(({ routes }) => routes.length > 0);
  const head = ["FAULT", "WHAT CLIENTS MISSED", "ROUTES LEFT BEHIND"];
  return table([head, ...rows].map((row) => (hasRoutes ? row : row.slice(0, 2))));
}

function clientTable(clients: readonly ClientReport[]): string {
  const rows = clients.map(({ client, vip, service, port, protocol, ok, since, outages, resets }) => {
    const about = [client, vip, `${service} ${protocol}/${port}`];
    if (since === undefined) return [...about, "never"];
    const lost = outages.reduce((sum, { missed }) => sum + missed, 0);
    const outage = longest(outages) === 0 ? "none" : formatDuration(longest(outages));
    const reset = resets === 0 ? "" : `, ${resets} by reset`;
    return [...about, `${(since / 1e6).toFixed(2)} s`, `${lost} of ${ok + lost}${reset}`, outage];
  });
  return table([["CLIENT", "ADDRESS", "SERVICE", "FIRST ANSWER", "LOST SINCE", "LONGEST OUTAGE"], ...rows]);
}

function summary({ services, clients, refused, missed, bgp }: SimulationReport): string {
  const well = services.filter(({ because }) => because === undefined).length;
  const worst = Math.max(0, ...clients.map(({ outages }) => longest(outages)));
  const found = bgp === undefined ? "have an address and an owner" : "have an address, are announced";
  const virtues = clients.length === 0 ? "have an address" : `${found}, and serve clients`;
  return [
    services.length === 0
      ? "there is no Service of type LoadBalancer"
      : `Services that ${virtues}: ${well} of ${services.length}`,
    ...(worst === 0 ? [] : [`longest outage: ${formatDuration(worst)}`]),
    ...(refused.length === 0 ? [] : [`objects refused: ${refused.length}`]),
    ...(missed.length === 0 ? [] : [`faults that struck nobody: ${missed.length}`]),
  ].join("; ");
}

/** 0 every Service is well; 1 something is not. */
export function exitCodeOf({ problems, refused, missed, violations, services }: SimulationReport): number {
  const well =
    refused.length + missed.length + violations.length === 0 &&
    !problems.some(({ severity }) => severity === "error") &&
    services.every(({ because }) => because === undefined);
  return well ? 0 : 1;
}

export function formatReport(report: SimulationReport): string {
  const { timeline, services, clients, bgp, consequences } = report;
  const { refused, violations, length, hash = "", interrupted } = report;
  const sections = [
    refused.map((text) => paint("red", `refused: ${text}`)).join("\n"),
    timeline.map(entryLine).join("\n"),
    services.length === 0 ? "" : serviceTable(services, report.nodes, bgp !== undefined),
    ...(bgp === undefined ? [] : bgpTables(bgp)),
    clients.length === 0 ? "" : clientTable(clients),
    bgp === undefined || consequences.length === 0 ? "" : consequenceTable(consequences),
    violations.map((text) => paint("red", `broken invariant (a defect of Assay): ${text}`)).join("\n"),
    `${paint(exitCodeOf(report) === 0 ? "green" : "red", summary(report))}\n${length / 1e6} s simulated${
      interrupted ? " before the interruption" : ""
    }, trace ${hash.slice(0, 16)}`,
  ];
  return sections.filter((section) => section !== "").join("\n\n");
}

const inSeconds = (time: Micros | undefined): number | null => (time === undefined ? null : time / 1e6);

/** The same as JSON. Fields are only ever added. */
export function reportJson(report: SimulationReport): string {
  const { length, timeline, clients, services, hash, bgp, consequences, ...rest } = report;
  const value = {
    ...rest,
    seconds: inSeconds(length),
    exitCode: exitCodeOf(report),
    timeline: timeline.map(({ at, kind, text }) => ({ seconds: inSeconds(at), kind, text })),
    services: services.map(({ because, ...service }) => ({ ...service, because: because ?? null })),
    clients: clients.map(({ every, since, outages, ...client }) => ({
      ...client,
      everySeconds: inSeconds(every),
      sinceSeconds: inSeconds(since),
      longestOutageSeconds: inSeconds(longest(outages)),
      outages: outages.map(({ from, to, missed, total }) => ({
        fromSeconds: inSeconds(from),
        toSeconds: inSeconds(to),
        missed,
        total,
      })),
    })),
    bgp: bgp === undefined ? null : bgpJson(bgp),
    consequences: consequences.map(consequenceJson),
    hash: hash ?? null,
  };
  return `${JSON.stringify(value, null, 1)}\n`;
}
