import { type AsPath } from "../as-path.ts";
import { type Community, WELL_KNOWN_COMMUNITIES } from "../communities.ts";
import { ATTRIBUTE_TYPES, type Announcement, type PathAttributes } from "../path-attributes.ts";
import { type EndOfRib, type Update } from "../update.ts";

/** The words of tshark for what it names instead of writing numbers. */
const NAMES: ReadonlyMap<Community, string> = new Map([
  [WELL_KNOWN_COMMUNITIES.gracefulShutdown, "GRACEFUL_SHUTDOWN"],
  [WELL_KNOWN_COMMUNITIES.noExport, "NO_EXPORT"],
]);

/** An UPDATE in one line, in the words of tshark: `announce 10.0.0.0/8 via 192.0.2.1; ORIGIN IGP; AS_PATH 64512`. */
export function updateInWords(update: Update | EndOfRib): string {
  if (update.kind === "endOfRib") return `End-of-RIB IPv${update.afi === 1 ? 4 : 6}`;
  const parts = update.faults.map(({ action, path, problem, code, subcode }) =>
    [action, `${code}/${subcode}`, path.replace("bgp.update.", ""), problem].join(" "),
  );
  if (update.withdrawn.length > 0) parts.push(`withdraw ${update.withdrawn.join(" ")}`);
  parts.push(...update.announced.map(announcementInWords));
  const attributes = update.announced.at(0)?.attributes;
  if (attributes !== undefined) parts.push(...attributesInWords(attributes));
  return parts.join("; ");
}

/** Routes of one message, as updateInWords says them. */
export function routesInWords(announcement: Announcement): string {
  return [announcementInWords(announcement), ...attributesInWords(announcement.attributes)].join("; ");
}

function announcementInWords({ prefixes, nextHop, linkLocal }: Announcement): string {
  return `announce ${prefixes.join(" ")} via ${nextHop}${linkLocal === undefined ? "" : ` and ${linkLocal}`}`;
}

export function pathInWords(path: AsPath): string {
  const brackets = { sequence: ["", ""], set: ["{", "}"], confedSequence: ["(", ")"], confedSet: ["[", "]"] } as const;
  const segments = path.map(({ kind, asns }) => {
    const [open, close] = brackets[kind];
    return `${open}${asns.join(kind === "sequence" || kind === "confedSequence" ? " " : ", ")}${close}`;
  });
  return segments.length === 0 ? "empty" : segments.join(" ");
}

function* attributesInWords(attributes: PathAttributes): Generator<string> {
  const { origin, asPath, multiExitDisc, localPref, aggregator, communities, largeCommunities } = attributes;
  yield `ORIGIN ${origin.toUpperCase()}`;
  yield `AS_PATH ${pathInWords(asPath)}`;
  if (multiExitDisc !== undefined) yield `MULTI_EXIT_DISC ${multiExitDisc}`;
  if (localPref !== undefined) yield `LOCAL_PREF ${localPref}`;
  if (attributes.atomicAggregate === true) yield "ATOMIC_AGGREGATE";
  if (aggregator !== undefined) yield `AGGREGATOR AS: ${aggregator.asn} origin: ${aggregator.address}`;
  if (communities !== undefined) yield `COMMUNITIES ${communities.map((each) => NAMES.get(each) ?? each).join(" ")}`;
  if (largeCommunities !== undefined) yield `LARGE_COMMUNITY ${largeCommunities.join(" ")}`;
  for (const { type } of attributes.others ?? []) {
    yield type === ATTRIBUTE_TYPES.extendedCommunities ? "EXTENDED_COMMUNITIES" : `attribute ${type}`;
  }
}

/** The attributes in one order, since senders have several; AS4 attributes as what they complete. */
export function settled(words: string): string {
  const complete = words
    .replace(/AS_PATH [^;]+;(.*) AS4_PATH/, "$1 AS_PATH")
    .replace(/AGGREGATOR [^;]+;(.*) AS4_AGGREGATOR/, "$1 AGGREGATOR");
  const [routes = "", ...attributes] = complete.split(";").map((part) => part.trim());
  return [routes, ...attributes.filter((part) => part !== "").sort()].join("; ");
}
