// What each fault led to: what clients missed, and how long routers went on sending to what was struck.
import { type Micros, micros, millis } from "../../impl/wire/time.ts";
import { type LeftBehind, leftBehind, type RouteChange } from "./bgp/route-watch.ts";
import { type ClientReport } from "./prober.ts";

/** A fault that struck. */
export interface StruckFault {
  readonly at: Micros;
  /** With the names of those whom it struck. */
  readonly what: string;
  /** Nodes whose traffic it concerns. */
  readonly nodes: readonly string[];
}

export interface ClientOutage {
  readonly client: string;
  /** The longest time without any answer. */
  readonly silent: Micros;
  /** The longest time in which some requests had no answer. */
  readonly shaky: Micros;
  readonly lost: number;
}

export interface Consequence {
  readonly at: Micros;
  readonly fault: string;
  /** Worst first. */
  readonly clients: readonly ClientOutage[];
  readonly routes: readonly LeftBehind[];
}

/** A request that was under way when it struck was sent up to so much earlier. */
const UNDER_WAY: Micros = millis(250);

export interface Course {
  readonly clients: readonly ClientReport[];
  readonly changes: readonly RouteChange[];
  readonly end: Micros;
}

/** What began between a fault and the next one counts as its doing. */
export function consequencesOf(faults: readonly StruckFault[], course: Course): readonly Consequence[] {
  const sorted = faults.toSorted((a, b) => a.at - b.at);
  return sorted.map(({ at, what, nodes }, index) => {
    const until = sorted[index + 1]?.at ?? course.end;
    const names = [...new Set(course.clients.map(({ client }) => client))];
    const clients = names
      .map((client) => outageOf(client, course.clients, micros(at - UNDER_WAY), micros(until - UNDER_WAY)))
      .filter(({ lost }) => lost > 0)
      .toSorted((a, b) => b.silent - a.silent || b.lost - a.lost);
    return { at, fault: what, clients, routes: nodes.flatMap((node) => leftBehind(course.changes, node, at, until)) };
  });
}

function outageOf(client: string, reports: readonly ClientReport[], from: Micros, until: Micros): ClientOutage {
  const outages = reports
    .filter((report) => report.client === client)
    .flatMap((report) => report.outages)
    .filter((outage) => outage.from >= from && outage.from < until);
  const longest = (total: boolean): Micros =>
    micros(Math.max(0, ...outages.filter((each) => each.total === total).map((each) => each.to - each.from)));
  return {
    client,
    silent: longest(true),
    shaky: longest(false),
    lost: outages.reduce((sum, { missed }) => sum + missed, 0),
  };
}
