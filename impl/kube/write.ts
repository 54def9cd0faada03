import { type KubeObject } from "../api/kubernetes.ts";
import { type Resource } from "./resources.ts";

/** One change of one object. `replace` carries the resourceVersion it was built from, so that a lost race is noticed. */
export type Action =
  | { readonly verb: "create"; readonly object: NewObject }
  | { readonly verb: "replace"; readonly object: KubeObject }
  /** RFC 7396. */
  | { readonly verb: "mergePatch"; readonly patch: object }
  /** Server-side apply; takes the fields over from other managers. */
  | { readonly verb: "apply"; readonly fieldManager: string; readonly object: KubeObject }
  /** With `uid`, only that very object. */
  | { readonly verb: "delete"; readonly uid?: string };

/** As KubeObject, but the server may choose the name (`generateName`). */
export interface NewObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Omit<KubeObject["metadata"], "name"> & { readonly name?: string };
}

/** Something that shall become true of one object. */
export interface Write {
  /** Names the object and the purpose. A later intent with the same tag replaces one that waits. */
  readonly tag: string;
  readonly resource: Resource;
  readonly namespace?: string;
  /** Undefined where the server chooses the name; then `build` may only create. */
  readonly name?: string;
  readonly subresource?: "status";
  /**
   * Decides what to send, given the newest version known (undefined: none is known). Called again with a fresh read
   * after a conflict. Undefined: nothing is to be changed, so nothing is sent.
   */
  build(latest: KubeObject | undefined): Action | undefined;
}
