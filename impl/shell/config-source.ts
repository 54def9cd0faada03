import { type Config } from "../api/config.ts";
import { type KubeObject } from "../api/kubernetes.ts";
import { type ConfigResources, parseConfig, type ParseOptions } from "../api/parse-config.ts";
import { ANNOTATION_PREFIX } from "../api/route-annotations.ts";
import { errorSummary } from "../api/problem.ts";
import { type Change } from "../kube/change.ts";
import { type KubeClient } from "../kube/client.ts";
import { RESOURCES } from "../kube/resources.ts";

/** What the objects mean now. */
export type Reading =
  | { readonly kind: "config"; readonly config: Config }
  | { readonly kind: "invalid"; readonly summary: string };

/** Kinds of which everything but the status counts. */
const CONFIG_KINDS: ReadonlySet<string> = new Set([
  RESOURCES.ipAddressPools.kind,
  RESOURCES.l2Advertisements.kind,
  RESOURCES.bgpAdvertisements.kind,
  RESOURCES.bgpPeers.kind,
  RESOURCES.bfdProfiles.kind,
  RESOURCES.communities.kind,
  RESOURCES.secrets.kind,
]);
/** Kinds of which only the labels count. */
const LABELLED_KINDS: ReadonlySet<string> = new Set([RESOURCES.nodes.kind, RESOURCES.namespaces.kind]);

/** Reads the configuration out of the mirrored objects, once for each change that can alter it. */
export class ConfigSource {
  readonly #client: KubeClient;
  readonly #options: ParseOptions;
  #stale = true;
  #last = "";

  constructor(client: KubeClient, options: ParseOptions) {
    this.#client = client;
    this.#options = options;
  }

  note(change: Change): void {
    if (change.kind === "deleted") this.#stale ||= isRelevant(change.object.kind);
    if (change.kind === "upserted") this.#stale ||= substance(change.object) !== substance(change.previous);
  }

  /** Undefined where it means what it meant at the last call. */
  read(): Reading | undefined {
    if (!this.#stale) return undefined;
    this.#stale = false;
    const result = parseConfig(this.#resources(), this.#options);
    const reading: Reading =
      "config" in result
        ? { kind: "config", config: result.config }
        : { kind: "invalid", summary: errorSummary(result.problems) };
    const text = JSON.stringify(reading, spellOut);
    if (text === this.#last) return undefined;
    this.#last = text;
    return reading;
  }

  #resources(): ConfigResources {
    const client = this.#client;
    return {
      pools: [...client.list(RESOURCES.ipAddressPools)],
      l2Advertisements: [...client.list(RESOURCES.l2Advertisements)],
      bgpAdvertisements: [...client.list(RESOURCES.bgpAdvertisements)],
      bgpPeers: [...client.list(RESOURCES.bgpPeers)],
      bfdProfiles: [...client.list(RESOURCES.bfdProfiles)],
      communities: [...client.list(RESOURCES.communities)],
      namespaces: [...client.list(RESOURCES.namespaces)],
      nodes: [...client.list(RESOURCES.nodes)],
      secrets: [...client.list(RESOURCES.secrets)],
    };
  }
}

const isRelevant = (kind: string): boolean => CONFIG_KINDS.has(kind) || LABELLED_KINDS.has(kind);

/** What of an object can matter to the configuration; of other kinds, nothing. */
function substance(object: KubeObject | undefined): string {
  if (object === undefined || !isRelevant(object.kind)) return "";
  if (LABELLED_KINDS.has(object.kind)) return `${object.kind}${JSON.stringify(object.metadata.labels ?? {})}`;
  const { name, labels, annotations = {} } = object.metadata;
  const own = Object.entries(annotations).filter(([key]) => key.startsWith(ANNOTATION_PREFIX));
  const metadata = { name, labels, annotations: own };
  return JSON.stringify({ ...object, metadata, status: undefined }, spellOut);
}

function spellOut(_key: string, value: unknown): unknown {
  if (value instanceof Map || value instanceof Set) return [...value];
  return typeof value === "bigint" ? `${value}n` : value;
}
