import { type KubeObject } from "../api/kubernetes.ts";
import { type Resource } from "./resources.ts";

/** An object that appeared, changed or went. Objects are the client's own: nobody may alter them. */
export type ObjectChange<T extends KubeObject = KubeObject> =
  | {
      readonly kind: "upserted";
      readonly resource: Resource<T>;
      readonly object: T;
      readonly previous: T | undefined;
    }
  /** `object` is the last version that was known. */
  | { readonly kind: "deleted"; readonly resource: Resource<T>; readonly object: T };

/** What became of a write. Failures that may pass are retried and not reported. */
export interface Written {
  readonly kind: "written";
  readonly tag: string;
  readonly ok: boolean;
  /** The HTTP status of the last answer. */
  readonly status: number;
  /** As the server has it now; undefined after a deletion or a failure. */
  readonly object: KubeObject | undefined;
  /** The `reason` of the Status that refused it: NotFound, Invalid, Forbidden … */
  readonly reason?: string;
  readonly message?: string;
}

export type Change =
  | ObjectChange
  /** The cache equals a fresh list: reported after the first list and after each later one. */
  | { readonly kind: "synced"; readonly resource: Resource }
  | Written;

/** Whether a change is about an object of a resource; then its object has that type. */
export function concerns<T extends KubeObject>(change: Change, resource: Resource<T>): change is ObjectChange<T> {
  return change.kind !== "written" && change.kind !== "synced" && change.resource.kind === resource.kind;
}
