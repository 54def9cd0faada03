// How the controller and the speakers are called: as their manifests would, but for what a namespace has no Pod for.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { inMillis } from "../../../impl/wire/time.ts";
import { SYSTEM } from "../../objects.ts";
import { type Settings } from "../../world.ts";
import { CONTROLLER_POD, type NodeFacts, SPEAKER_SELECTOR, speakerPodName } from "../node-objects.ts";

/** The management network is not announced on. */
const EXCLUDED = ["^lo$", "^veth.*", "^eth0$"];

export interface DaemonCommand {
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Where the API server is to listen for this process. */
  readonly apiSocket: string;
  readonly debugSocket: string;
}

/** What both have in common. Sockets are in `folder`, by the name of the process. */
function common(name: string, folder: string, settings: Settings): DaemonCommand {
  const apiSocket = join(folder, `${name}.sock`);
  const debugSocket = join(folder, `${name}-debug.sock`);
  return {
    flags: [
      `--kube-api=unix:${apiSocket}`,
      `--debug-bind-address=unix:${debugSocket}`,
      "--metrics-insecure",
      "--log-level=debug",
      `--lb-class=${settings.lbClass ?? ""}`,
    ],
    environment: { METALLB_NAMESPACE: SYSTEM },
    apiSocket,
    debugSocket,
  };
}

export function speakerCommand(facts: NodeFacts, folder: string, settings: Settings): DaemonCommand {
  const name = speakerPodName(facts.name);
  const base = common(name, folder, settings);
  const exclusions = join(folder, `${name}-excludel2.yaml`);
  const patterns = settings.excludeInterfaces ?? EXCLUDED;
  writeFileSync(exclusions, `announcedInterfacesToExclude: ${JSON.stringify(patterns)}\n`);
  const [bindAddress] = facts.addresses;
  const members =
    settings.memberlist === false || bindAddress === undefined
      ? {}
      : { METALLB_ML_BIND_ADDR: bindAddress, METALLB_ML_LABELS: SPEAKER_SELECTOR };
  return {
    ...base,
    flags: [
      ...base.flags,
      `--exclude-l2-config=${exclusions}`,
      `--ml-wan-config=${settings.membersWan ?? false}`,
      `--ignore-exclude-lb=${settings.ignoreExcludeLb ?? false}`,
      `--l2-probe-first=${settings.probeFirst ?? false}`,
      `--bgp-require-ttl=${settings.requireTtl ?? false}`,
      ...(settings.refresh === undefined ? [] : [`--l2-refresh=${inMillis(settings.refresh)}ms`]),
    ],
    environment: { ...base.environment, ...members, METALLB_NODE_NAME: facts.name, METALLB_POD_NAME: name },
  };
}

/** On the network of a node it shares the ports with the speaker, so it has others; `number` tells controllers apart. */
export function controllerCommand(name: string, folder: string, settings: Settings, number: number): DaemonCommand {
  const base = common(name, folder, settings);
  return {
    ...base,
    flags: [...base.flags, `--port=${9121 + 2 * number}`, `--health-probe-port=${17_473 + 2 * number}`],
    environment: { ...base.environment, METALLB_POD_NAME: CONTROLLER_POD },
  };
}
