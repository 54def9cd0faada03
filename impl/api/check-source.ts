// Manifests as the checker sees them: values with the places where they are written.
import { type JsonObject } from "./schema/json-object.ts";

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where the fields of a document stand in its file. */
export interface Located {
  /** The position of the field, or of what is nearest above it. */
  positionOf(path: string): Position;
}

export interface SourceDocument extends Located {
  readonly file: string;
  readonly value: unknown;
}

export type Severity = "error" | "warning";

export interface CheckProblem extends Position {
  readonly file: string;
  /** `IPAddressPool metallb-system/first`; empty for the text of a file. */
  readonly object: string;
  readonly field: string;
  readonly message: string;
  readonly severity: Severity;
}

export interface CheckResult {
  readonly problems: readonly CheckProblem[];
  /** Objects that were checked, and objects of kinds that are none of our business. */
  readonly checked: number;
  readonly ignored: number;
}

export interface CheckOptions {
  /** Where the load balancer runs; without it, the namespace that the first namespaced object names. */
  readonly namespace?: string;
  /** Reads YAML inside a ConfigMap; undefined where it is none. */
  readonly parseYaml: (text: string) => unknown;
}

export interface Identity {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** Empty where the object names none. */
  readonly namespace: string;
  /** `IPAddressPool metallb-system/first`. */
  readonly text: string;
}

/** One object, in the document that holds it: a List holds several. */
export interface SourceObject {
  readonly document: SourceDocument;
  /** Path of the object in its document: empty, or `items[0]`. */
  readonly root: string;
  readonly value: JsonObject;
  readonly identity: Identity;
}

export type ReportAt = (object: SourceObject, field: string, message: string, severity?: Severity) => void;
