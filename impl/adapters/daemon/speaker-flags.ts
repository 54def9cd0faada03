// The speaker's flags and files, and what they mean to its core.
import { join } from "node:path";
import { parse } from "yaml";
import { type SpeakerOptions } from "../../shell/speaker-process.ts";
import { parseMembersConfig } from "../../speaker/members/config.ts";
import { readIp } from "../../wire/ip.ts";
import { type Log } from "../linux/log.ts";
import { reasonOf } from "../linux/system-error.ts";
import { COMMON_FLAGS } from "./common-flags.ts";
import { type Identity } from "./daemon.ts";
import { readOptional } from "./files.ts";
import { type Flag, type FlagTable, type FlagValues } from "./flags.ts";
import { StartupError } from "./startup-error.ts";
import { micros } from "../../wire/time.ts";

const MEMBERS_PORT = 7946;
const HIGHEST_PORT = 65_535;

const text = (help: string, env: string): Flag & { kind: "text" } => ({ kind: "text", fallback: "", help, env });

export const SPEAKER_FLAGS = {
  "node-name": text("Name of the node that this speaker runs on (fieldRef spec.nodeName).", "METALLB_NODE_NAME"),
  ...COMMON_FLAGS,
  "ml-bindaddr": text(
    "Address of this node for membership (fieldRef status.podIP). Without it or --ml-labels, every node counts as " +
      "running a speaker, and an address moves when the node is no longer Ready.",
    "METALLB_ML_BIND_ADDR",
  ),
  "ml-bindport": {
    kind: "int",
    fallback: MEMBERS_PORT,
    env: "METALLB_ML_BIND_PORT",
    help: "Port for membership, UDP and TCP.",
  },
  "ml-labels": text("Selects the Pods of the speakers, such as app=metallb,component=speaker.", "METALLB_ML_LABELS"),
  "ml-secret-key-path": text("Folder with the file secretkey.", "METALLB_ML_SECRET_KEY_PATH"),
  "ml-wan-config": {
    kind: "bool",
    fallback: false,
    help: "Slower membership, for nodes that are far from each other.",
  },
  "memberlist-config": {
    kind: "text",
    fallback: "/etc/metallb/memberlist/config.json",
    help: "File with the tunables of membership, where there is one; it replaces all of them.",
  },
  "exclude-l2-config": {
    kind: "text",
    fallback: "/etc/metallb/excludel2.yaml",
    help: "File with announcedInterfacesToExclude: regular expressions for interfaces to leave alone.",
  },
  "ignore-exclude-lb": {
    kind: "bool",
    fallback: false,
    help: "Announce from nodes with the label node.kubernetes.io/exclude-from-external-load-balancers too.",
  },
  "l2-refresh": {
    kind: "duration",
    fallback: micros(0),
    help: "Announce every address again this often, such as 30s; 0 for never.",
  },
  "l2-probe-first": {
    kind: "bool",
    fallback: false,
    help: "Ask whether somebody else has an address before it is announced for the first time (RFC 5227).",
  },
  "bgp-require-ttl": {
    kind: "bool",
    fallback: false,
    help:
      "Take only what eBGP peers on the link send with TTL 255 (RFC 5082). The peers must be configured for it, as with " +
      "FRR's ttl-security.",
  },
  host: { kind: "text", fallback: "", env: "METALLB_HOST", help: "", ignored: "It has no effect in MetalLB either." },
  "bgp-debounce-timeout": {
    kind: "int",
    fallback: 0,
    env: "METALLB_BGP_DEBOUNCE_TIMEOUT",
    help: "",
    ignored: "Changes are told to peers at once; there is no reload to be spared.",
  },
  "frrk8s-namespace": {
    kind: "text",
    fallback: "",
    env: "FRRK8S_NAMESPACE",
    help: "",
    ignored: "BGP is spoken without frr-k8s.",
  },
  "frrk8s-secret-passthrough": { kind: "bool", fallback: false, help: "", ignored: "BGP is spoken without frr-k8s." },
} as const satisfies FlagTable;

export type SpeakerValues = FlagValues<typeof SPEAKER_FLAGS>;

/** Reads the files that the flags name. Throws StartupError where something is missing or makes no sense. */
export function speakerOptions(
  values: SpeakerValues,
  { namespace, podName }: Identity,
  log: Log,
): Omit<SpeakerOptions, "random"> {
  const nodeName = values["node-name"];
  if (nodeName === "") {
    throw new StartupError(
      "the name of this node is not known: set METALLB_NODE_NAME (fieldRef spec.nodeName) or --node-name",
    );
  }
  const refresh = values["l2-refresh"];
  if (refresh < 0) throw new StartupError("--l2-refresh must not be negative");
  return {
    nodeName,
    podName,
    namespace,
    lbClass: values["lb-class"],
    ignoreExcludeLb: values["ignore-exclude-lb"],
    excludeInterfaces: readExclusions(values["exclude-l2-config"]),
    members: membersOptions(values, log),
    layer2: { refresh, probeFirst: values["l2-probe-first"] },
    bgp: { requireTtl: values["bgp-require-ttl"] },
  };
}

function membersOptions(values: SpeakerValues, log: Log): SpeakerOptions["members"] {
  const { "ml-bindaddr": address, "ml-bindport": bindPort, "ml-labels": labels } = values;
  if (address === "" || labels === "") {
    log("warn", "members.disabled", {
      because: "--ml-bindaddr or --ml-labels is not set; a speaker must run on every node",
    });
    return undefined;
  }
  const bindAddress = readIp(address);
  if (bindAddress === undefined) throw new StartupError(`--ml-bindaddr must be an IP address, not "${address}"`);
  if (bindPort < 1 || bindPort > HIGHEST_PORT) throw new StartupError(`--ml-bindport must be 1 to ${HIGHEST_PORT}`);
  const secret = readSecret(values["ml-secret-key-path"]);
  const config = readMembersConfig(values["memberlist-config"]);
  return {
    bindAddress,
    bindPort,
    labels,
    // The file replaces the whole set.
    wan: config === undefined && values["ml-wan-config"],
    ...(secret === undefined ? {} : { secret }),
    ...(config === undefined ? {} : { config }),
  };
}

function readSecret(folder: string): Uint8Array | undefined {
  if (folder === "") return undefined;
  const path = join(folder, "secretkey");
  const secret = readOptional(path);
  if (secret === undefined) {
    throw new StartupError(`${path} is not there: mount the Secret of membership, or leave --ml-secret-key-path out`);
  }
  return secret === "" ? undefined : Buffer.from(secret);
}

function readMembersConfig(path: string): ReturnType<typeof parseMembersConfig> | undefined {
  const content = readOptional(path);
  if (content === undefined) return undefined;
  try {
    const file: unknown = JSON.parse(content);
    if (typeof file !== "object" || file === null) throw new Error("must be a JSON object");
    return parseMembersConfig({ ...file });
  } catch (error) {
    throw new StartupError(`${path}: ${reasonOf(error)}`);
  }
}

/** The patterns of MetalLB's excludel2.yaml; none where the file is not there. */
function readExclusions(path: string): readonly string[] {
  const content = readOptional(path);
  if (content === undefined) return [];
  try {
    const file: unknown = parse(content) ?? {};
    if (typeof file !== "object" || file === null || Array.isArray(file)) throw new Error("must be a mapping");
    const patterns: unknown = Reflect.get(file, "announcedInterfacesToExclude") ?? [];
    if (!isTexts(patterns)) throw new Error("announcedInterfacesToExclude must be a list of texts");
    for (const pattern of patterns) void new RegExp(pattern);
    return patterns;
  } catch (error) {
    throw new StartupError(`${path}: ${reasonOf(error)}`);
  }
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");
