// What must be so when a run is over, no fault is left and everybody had time to agree.
import { type EventObject, type Service } from "../../../impl/api/kubernetes.ts";
import { type SpeakerProcess } from "../../../impl/shell/speaker-process.ts";
import { type Storage } from "../../../sim/kube/storage.ts";
import { ingressOf } from "../../invariants/addresses.ts";
import { type ProcessSlot } from "./process-slot.ts";

type Speakers = ReadonlyMap<string, ProcessSlot<SpeakerProcess>>;
/** Metrics of a speaker, by node. */
type Exposed = ReadonlyMap<string, string>;

/** Push/pull has one or two under way at a time. */
const MOST_STREAMS = 4;

const announcedSeries = (protocol: "bgp" | "layer2", service: string, node: string, ip: string): string =>
  `metallb_speaker_announced{service="${service}",protocol="${protocol}",node="${node}",ip="${ip}"} 1`;

/** Services of which a speaker said what is wrong with them. */
function explainedServices(storage: Storage): ReadonlySet<string> {
  const explained = new Set<string>();
  for (const [, object] of storage.entries("events")) {
    const { involvedObject: about, type, source } = object as unknown as EventObject;
    if (type === "Warning" && source.component === "metallb-speaker") explained.add(`${about.namespace}/${about.name}`);
  }
  return explained;
}

/** Every address has one owner or is routed, or an event says why it is not. */
function ownerProblems(storage: Storage, exposed: Exposed): readonly string[] {
  const explained = explainedServices(storage);
  const announcers = (protocol: "bgp" | "layer2", service: string, ip: string): readonly string[] =>
    [...exposed].flatMap(([node, text]) => (text.includes(announcedSeries(protocol, service, node, ip)) ? [node] : []));
  return [...storage.entries("services")].flatMap(([service, object]) =>
    ingressOf(object as unknown as Service).flatMap((ip) => {
      const owners = announcers("layer2", service, ip);
      const isRouted = announcers("bgp", service, ip).length > 0;
      if (owners.length === 1 || (owners.length === 0 && (isRouted || explained.has(service)))) return [];
      const who = owners.join(" and ") || "nobody, and nothing says why";
      return [`liveness: ${service} (${ip}) is announced by ${who}`];
    }),
  );
}

/** B11.11: who announces no IPv6 address and looks for no router is in no group; who talks to nobody holds few streams. */
function resourceProblems(storage: Storage, speakers: Speakers, exposed: Exposed): readonly string[] {
  const specs = [...storage.entries("bgppeers.metallb.io")].map(([, { spec }]) => spec);
  // RFC 4861 section 6.2.2: who may be a router's peer hears solicitations.
  const asRouter = specs.filter((spec) => typeof spec === "object" && spec !== null && "interface" in spec).length;
  return [...speakers].flatMap(([node, slot]) => {
    if (slot.process === undefined) return [];
    const { groups = 0, streams = 0 } = slot.resources();
    const announcesV6 = /protocol="layer2".*ip="[^"]*:[^"]*"} 1/.test(exposed.get(node) ?? "");
    const inGroups = groups > asRouter && !announcesV6;
    return [
      ...(inGroups ? [`B11.11: the speaker of ${node} is still in ${groups} groups`] : []),
      ...(streams > MOST_STREAMS + specs.length ? [`B11.11: the speaker of ${node} holds ${streams} streams`] : []),
    ];
  });
}

export function problemsAtRest(storage: Storage, speakers: Speakers): readonly string[] {
  const exposed = new Map([...speakers].map(([node, { process }]) => [node, process?.metrics.expose() ?? ""]));
  return [...ownerProblems(storage, exposed), ...resourceProblems(storage, speakers, exposed)];
}
