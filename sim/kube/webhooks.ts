// The validating webhooks of group metallb.io, as the API server asks them.
import { type AdmittedObject, validateOnAdmission } from "../../impl/api/admission.ts";
import { GROUP } from "../../impl/api/kinds/kind.ts";
import { type NamespaceObject, type NodeObject, type Secret } from "../../impl/api/kubernetes.ts";
import {
  type BFDProfile,
  type BGPAdvertisement,
  type BGPPeer,
  type Community,
  type IPAddressPool,
  type L2Advertisement,
} from "../../impl/api/metallb.ts";
import { type ConfigResources } from "../../impl/api/parse-config.ts";
import { ApiError } from "./api-error.ts";
import { type ServedKind } from "./kinds.ts";
import { type StoredObject } from "./object.ts";
import { type Admission } from "./registry.ts";
import { type Storage } from "./storage.ts";

/** `unreachable`: the webhooks are registered, but nobody answers (failurePolicy Fail). */
export type WebhookState = "on" | "off" | "unreachable";

const ASKED: Readonly<Record<string, readonly string[]>> = {
  BFDProfile: ["CREATE", "DELETE"],
  BGPAdvertisement: ["CREATE", "UPDATE"],
  BGPPeer: ["CREATE", "UPDATE"],
  Community: ["CREATE", "UPDATE"],
  IPAddressPool: ["CREATE", "UPDATE"],
  L2Advertisement: ["CREATE", "UPDATE"],
};

function isAdmitted(object: unknown, kind: ServedKind): object is AdmittedObject {
  return typeof object === "object" && kind.group === GROUP && kind.kind in ASKED;
}

function all<T extends { readonly kind: string }>(storage: Storage, collection: string, kind: T["kind"]): readonly T[] {
  const isKind = (object: unknown): object is T =>
    typeof object === "object" && object !== null && "kind" in object && object.kind === kind;
  return [...storage.entries(collection)].map(([, object]: readonly [string, unknown]) => object).filter(isKind);
}

function resourcesIn(storage: Storage): ConfigResources {
  return {
    pools: all<IPAddressPool>(storage, `ipaddresspools.${GROUP}`, "IPAddressPool"),
    l2Advertisements: all<L2Advertisement>(storage, `l2advertisements.${GROUP}`, "L2Advertisement"),
    bgpAdvertisements: all<BGPAdvertisement>(storage, `bgpadvertisements.${GROUP}`, "BGPAdvertisement"),
    bgpPeers: all<BGPPeer>(storage, `bgppeers.${GROUP}`, "BGPPeer"),
    bfdProfiles: all<BFDProfile>(storage, `bfdprofiles.${GROUP}`, "BFDProfile"),
    communities: all<Community>(storage, `communities.${GROUP}`, "Community"),
    namespaces: all<NamespaceObject>(storage, "namespaces", "Namespace"),
    nodes: all<NodeObject>(storage, "nodes", "Node"),
    secrets: all<Secret>(storage, "secrets", "Secret"),
  };
}

/** `namespace` is the load balancer's. */
export function webhookAdmission(storage: Storage, namespace: string, state: () => WebhookState): Admission {
  return (operation, kind, object: StoredObject) => {
    const asked = kind.group === GROUP && (ASKED[kind.kind] ?? []).includes(operation);
    if (!asked || state() === "off") return;
    const webhook = `${kind.singular}validationwebhook.metallb.io`;
    if (state() === "unreachable") {
      throw new ApiError(
        "InternalError",
        `Internal error occurred: failed calling webhook "${webhook}": connection refused`,
      );
    }
    if (!isAdmitted(object, kind)) return;
    const verdict = validateOnAdmission({ operation, object }, resourcesIn(storage), namespace);
    if (verdict.allowed) return;
    throw new ApiError("Forbidden", `admission webhook "${webhook}" denied the request: ${verdict.message}`);
  };
}
