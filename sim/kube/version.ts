// Kinds with several versions: what is stored, and what a client sees.
import { peerToV1Beta1, peerToV1Beta2 } from "../../impl/api/conversion.ts";
import { type BGPPeer, type BGPPeerV1Beta1 } from "../../impl/api/metallb.ts";
import { groupVersion, type ServedKind, storedVersion } from "./kinds.ts";
import { fieldsOf, isObject, type StoredObject } from "./object.ts";

const isNew = (value: unknown): value is BGPPeer => fieldsOf(value)["kind"] === "BGPPeer";
const isOld = (value: unknown): value is BGPPeerV1Beta1 => fieldsOf(value)["kind"] === "BGPPeer";

function checked(converted: unknown): StoredObject {
  if (!isObject(converted)) throw new Error("a conversion made what is not an object");
  return converted;
}

export function toVersion(kind: ServedKind, version: string, object: StoredObject): StoredObject {
  if (object.apiVersion === groupVersion(kind.group, version)) return object;
  return isNew(object) ? checked(peerToV1Beta1(object)) : object;
}

export function toStored(kind: ServedKind, object: StoredObject): StoredObject {
  if (object.apiVersion === groupVersion(kind.group, storedVersion(kind).name)) return object;
  return isOld(object) ? checked(peerToV1Beta2(object)) : object;
}
