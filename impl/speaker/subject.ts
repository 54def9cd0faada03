import { type Pool } from "../api/config.ts";
import { type Service } from "../api/kubernetes.ts";
import { type Ip } from "../wire/ip.ts";
import { type Endpoints } from "./endpoints.ts";

/** A Service that has addresses of one pool, so that a protocol may announce it. */
export interface Subject {
  /** `namespace/name`. */
  readonly key: string;
  readonly service: Service;
  /** As in the status; the first one decides the election. */
  readonly ips: readonly Ip[];
  readonly pool: Pool;
  readonly endpoints: Endpoints;
}

const SHARING_ANNOTATIONS = ["metallb.io/allow-shared-ip", "metallb.universe.tf/allow-shared-ip"];

/** The annotation counts by its presence, even when empty. */
export function isShared(service: Service): boolean {
  const annotations = service.metadata.annotations ?? {};
  return SHARING_ANNOTATIONS.some((name) => Object.hasOwn(annotations, name));
}
