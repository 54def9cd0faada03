// What the validating webhooks decide. They see one object and, beside it, only the kinds that they check it with: other
// combinations come to light when a component loads its configuration.
import { unreachable } from "../wire/brand.ts";
import { storedPeer } from "./conversion.ts";
import { type KubeObject, objectKey } from "./kubernetes.ts";
import {
  type BFDProfile,
  type BGPAdvertisement,
  type BGPPeer,
  type BGPPeerV1Beta1,
  type Community,
  type IPAddressPool,
  type L2Advertisement,
} from "./metallb.ts";
import { type ConfigResources, NO_RESOURCES, parseConfig } from "./parse-config.ts";
import { describeObject, type Problem } from "./problem.ts";

export type Operation = "CREATE" | "UPDATE" | "DELETE";

export type AdmittedObject =
  | IPAddressPool
  | L2Advertisement
  | BGPAdvertisement
  | BGPPeer
  | BGPPeerV1Beta1
  | BFDProfile
  | Community;

export interface AdmissionRequest {
  readonly operation: Operation;
  /** The object as it would be stored; for DELETE the one that would go. */
  readonly object: AdmittedObject;
}

export type AdmissionVerdict =
  | { readonly allowed: true; readonly warnings: readonly string[] }
  | { readonly allowed: false; readonly message: string; readonly warnings: readonly string[] };

/** The others of a kind, with the incoming object in place of its namesake. */
function withIncoming<T extends KubeObject>(others: readonly T[], incoming: T): readonly T[] {
  return [...others.filter((other) => objectKey(other) !== objectKey(incoming)), incoming];
}

/** Profiles and secrets may be created later. */
function withoutReferences(peer: BGPPeer | BGPPeerV1Beta1): BGPPeer {
  const stored = storedPeer(peer);
  if (stored.spec === undefined) return stored;
  const { bfdProfile: _bfdProfile, passwordSecret: _passwordSecret, ...spec } = stored.spec;
  return { ...stored, spec };
}

/** What holds no colon is the name of a Community that may be created later. */
function withoutAliases(advertisement: BGPAdvertisement): BGPAdvertisement {
  const { spec } = advertisement;
  if (spec?.communities === undefined) return advertisement;
  return { ...advertisement, spec: { ...spec, communities: spec.communities.filter((text) => text.includes(":")) } };
}

/** The objects that the webhook of this kind parses together. */
function checkedTogether(object: AdmittedObject, others: ConfigResources): ConfigResources {
  const { pools, nodes } = others;
  switch (object.kind) {
    case "BGPPeer":
      return { ...NO_RESOURCES, nodes, bgpPeers: withIncoming(others.bgpPeers, object).map(withoutReferences) };
    case "IPAddressPool":
      return { ...NO_RESOURCES, pools: withIncoming(pools, object) };
    case "BGPAdvertisement": {
      const bgpAdvertisements = withIncoming(others.bgpAdvertisements, object).map(withoutAliases);
      return { ...NO_RESOURCES, pools, nodes, bgpAdvertisements };
    }
    case "L2Advertisement":
      return { ...NO_RESOURCES, pools, l2Advertisements: withIncoming(others.l2Advertisements, object) };
    case "Community":
      return { ...NO_RESOURCES, communities: withIncoming(others.communities, object) };
    case "BFDProfile":
      return NO_RESOURCES;
    default:
      return unreachable(object);
  }
}

/** The first problem of the incoming object; else the first that it takes part in. */
function decisive(problems: readonly Problem[], object: AdmittedObject): Problem | undefined {
  return problems.find((problem) => problem.object === describeObject(object)) ?? problems.at(0);
}

function refusalMessage(problem: Problem): string {
  const message = problem.message.replaceAll("\n", ": ");
  return problem.path === "" ? message : `${problem.path}: ${message}`;
}

function deletionProblem(object: AdmittedObject, others: ConfigResources): string | undefined {
  if (object.kind !== "BFDProfile") return undefined;
  const { name } = object.metadata;
  const user = others.bgpPeers.find((peer) => peer.spec?.bfdProfile === name);
  if (user === undefined) return undefined;
  return `failed to delete BFDProfile ${name}, used by BGPPeer ${user.metadata.name}`;
}

function warningsFor(object: AdmittedObject): readonly string[] {
  if (object.kind !== "BGPPeer") return [];
  const disablesMp = object.apiVersion === "metallb.io/v1beta2" && object.spec?.disableMP === true;
  return disablesMp ? ["spec.disableMP has no effect, use spec.dualStackAddressFamily"] : [];
}

/** The rules of admission, for an object that its schema has already let pass. `namespace` is the load balancer's. */
export function validateOnAdmission(
  request: AdmissionRequest,
  others: ConfigResources,
  namespace: string,
): AdmissionVerdict {
  const { operation, object } = request;
  const warnings = operation === "DELETE" ? [] : warningsFor(object);
  const refuse = (message: string): AdmissionVerdict => ({ allowed: false, message, warnings });
  if (operation === "DELETE") {
    const problem = deletionProblem(object, others);
    return problem === undefined ? { allowed: true, warnings } : refuse(problem);
  }
  if (operation === "CREATE" && object.metadata.namespace !== namespace) {
    return refuse(`resource must be created in ${namespace} namespace`);
  }
  const parsed = parseConfig(checkedTogether(object, others), { namespace, component: "speaker" });
  const problem = "problems" in parsed ? decisive(parsed.problems, object) : undefined;
  return problem === undefined ? { allowed: true, warnings } : refuse(refusalMessage(problem));
}
