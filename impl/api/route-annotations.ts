// What MetalLB has no field for, said by annotations of a BGPAdvertisement: MULTI_EXIT_DISC (RFC 4271 section 5.1.4), a longer
// AS_PATH, and graceful shutdown (RFC 8326).
import { type BGPAdvertisement } from "./metallb.ts";
import { type Report } from "./problem.ts";
import { childPath } from "./schema/path.ts";

/** Of every annotation that only Assay reads. */
export const ANNOTATION_PREFIX = "assay.dev/";

export interface RouteAnnotations {
  /** Undefined: none is sent. */
  readonly multiExitDisc: number | undefined;
  /** How often our AS stands in the path beyond the once that it must. */
  readonly prepend: number;
  /** Peers shall prefer every other path, for this one goes soon. */
  readonly gracefulShutdown: boolean;
}

const MAX_MED = 0xffff_ffff;
/** Longer paths are cut or refused by routers along the way, and move no more traffic. */
const MAX_PREPEND = 16;

const NAMES = ["med", "as-path-prepend", "graceful-shutdown"];

export function parseRouteAnnotations({ metadata }: BGPAdvertisement, report: Report): RouteAnnotations {
  const { annotations = {} } = metadata;
  for (const key of Object.keys(annotations)) {
    const name = key.slice(ANNOTATION_PREFIX.length);
    if (!key.startsWith(ANNOTATION_PREFIX) || NAMES.includes(name)) continue;
    const known = NAMES.map((each) => ANNOTATION_PREFIX + each).join(", ");
    report(pathOf(key), `is no annotation of a BGPAdvertisement: these are ${known}`);
  }
  const read = (name: string): string | undefined => annotations[ANNOTATION_PREFIX + name];
  return {
    multiExitDisc: parseNumber("med", read("med"), MAX_MED, report),
    prepend: parseNumber("as-path-prepend", read("as-path-prepend"), MAX_PREPEND, report) ?? 0,
    gracefulShutdown: parseBoolean("graceful-shutdown", read("graceful-shutdown"), report),
  };
}

const pathOf = (key: string): string => childPath("metadata.annotations", key);

function parseNumber(name: string, text: string | undefined, most: number, report: Report): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,10}$/.test(text) && Number(text) <= most) return Number(text);
  report(pathOf(ANNOTATION_PREFIX + name), `invalid value ${JSON.stringify(text)}: must be a number from 0 to ${most}`);
  return undefined;
}

function parseBoolean(name: string, text: string | undefined, report: Report): boolean {
  if (text === undefined || text === "false") return false;
  if (text === "true") return true;
  report(pathOf(ANNOTATION_PREFIX + name), `invalid value ${JSON.stringify(text)}: must be "true" or "false"`);
  return false;
}
