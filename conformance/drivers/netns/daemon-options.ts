import { type ControllerOptions } from "../../../impl/shell/controller-process.ts";
import { type SpeakerOptions } from "../../../impl/shell/speaker-process.ts";
import { SYSTEM } from "../../objects.ts";
import { type Settings } from "../../world.ts";
import { CONTROLLER_POD, type NodeFacts, SPEAKER_SELECTOR, speakerPodName } from "../node-objects.ts";

const MEMBERS_PORT = 7946;
/** The management network is not announced on. */
const EXCLUDED = ["^lo$", "^veth.*", "^eth0$"];

export function speakerOptions(facts: NodeFacts, settings: Settings): Omit<SpeakerOptions, "random"> {
  const [bindAddress] = facts.addresses;
  const members =
    settings.memberlist === false || bindAddress === undefined
      ? undefined
      : { bindAddress, bindPort: MEMBERS_PORT, labels: SPEAKER_SELECTOR, wan: settings.membersWan ?? false };
  return {
    nodeName: facts.name,
    podName: speakerPodName(facts.name),
    namespace: SYSTEM,
    lbClass: settings.lbClass ?? "",
    ignoreExcludeLb: settings.ignoreExcludeLb ?? false,
    excludeInterfaces: settings.excludeInterfaces ?? EXCLUDED,
    members,
    layer2: {
      ...(settings.refresh === undefined ? {} : { refresh: settings.refresh }),
      ...(settings.probeFirst === undefined ? {} : { probeFirst: settings.probeFirst }),
    },
  };
}

export const controllerOptions = (settings: Settings): Omit<ControllerOptions, "random"> => ({
  podName: CONTROLLER_POD,
  namespace: SYSTEM,
  lbClass: settings.lbClass ?? "",
});
