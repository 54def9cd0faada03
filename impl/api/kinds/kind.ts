// A kind of the API group metallb.io and what a CustomResourceDefinition says about it.
import { type SchemaNode } from "../schema/schema.ts";

export const GROUP = "metallb.io";

export interface Column {
  readonly name: string;
  readonly type: "string" | "boolean" | "integer" | "date";
  readonly jsonPath: string;
  /** Above zero: only `kubectl get -o wide` shows it. */
  readonly priority?: number;
}

export interface KindVersion {
  readonly name: "v1beta1" | "v1beta2";
  readonly storage: boolean;
  /** Why users should leave this version; undefined where they should not. */
  readonly deprecated?: string;
  readonly columns: readonly Column[];
  /** Of spec and status, as the fields of one object. */
  readonly schema: SchemaNode;
}

export interface Kind {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly versions: readonly KindVersion[];
}
