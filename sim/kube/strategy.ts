import { type Instant } from "../../impl/ports.ts";
import { type Cause } from "./api-error.ts";
import { type StoredObject } from "./object.ts";
import { type StorageEvent } from "./storage.ts";

/** What the API server does to objects of one kind before it stores them. */
export interface Strategy {
  /** Fills in defaults and allocates. */
  prepareCreate?(object: StoredObject, now: Instant): StoredObject;
  prepareUpdate?(object: StoredObject, old: StoredObject, now: Instant): StoredObject;
  prepareStatusUpdate?(object: StoredObject, old: StoredObject): StoredObject;
  /** Every problem of the object as it would be stored. */
  validate?(object: StoredObject, old: StoredObject | undefined): readonly Cause[];
  /** Sees every stored change of its kind. */
  observe?(event: StorageEvent): void;
}
