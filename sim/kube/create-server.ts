import { parsePrefix, type Prefix } from "../../impl/wire/prefix.ts";
import { BUILT_IN_STRATEGIES } from "./built-in-strategies.ts";
import { collectionOf, SERVED, storedVersion } from "./kinds.ts";
import { schemaStrategy } from "./schema-strategy.ts";
import { KubeServer } from "./server.ts";
import { ServiceStrategy } from "./service-strategy.ts";
import { Storage } from "./storage.ts";
import { type Strategy } from "./strategy.ts";
import { webhookAdmission, type WebhookState } from "./webhooks.ts";

export interface KubeServerOptions {
  readonly seed: string;
  /** One prefix or one of each family; the first family is the cluster's primary one. */
  readonly serviceCidrs?: readonly Prefix[];
  /** A Service takes a node port for each of its ports, unless it says otherwise: 2,768 where nothing is given. */
  readonly nodePorts?: { readonly first: number; readonly last: number };
  /** Where the load balancer runs. */
  readonly namespace?: string;
  /** Whether metallb.io objects are checked across objects before they are stored; asked at each write. */
  readonly webhook?: () => WebhookState;
}

const SERVICE_CIDR = parsePrefix("10.96.0.0/16");

/** An empty API server with everything that is known about the kinds it serves. */
export function createKubeServer(options: KubeServerOptions): {
  readonly server: KubeServer;
  readonly storage: Storage;
} {
  const { seed, serviceCidrs = [SERVICE_CIDR], namespace = "metallb-system", webhook = () => "off" } = options;
  const storage = new Storage();
  const strategies = new Map<string, Strategy>(Object.entries(BUILT_IN_STRATEGIES));
  strategies.set("services", new ServiceStrategy({ serviceCidrs, nodePorts: options.nodePorts }));
  for (const kind of SERVED) {
    const { schema } = storedVersion(kind);
    if (schema !== undefined) strategies.set(collectionOf(kind), schemaStrategy(schema));
  }
  const admission = webhookAdmission(storage, namespace, webhook);
  return { server: new KubeServer({ seed, storage, strategies, admission }), storage };
}
