import { type Config, type Pool } from "../api/config.ts";
import { NO_RESOURCES, parseConfig } from "../api/parse-config.ts";
import { errorSummary } from "../api/problem.ts";
import { type ConfigInput } from "../controller/controller.ts";
import { type KubeClient } from "../kube/client.ts";
import { RESOURCES } from "../kube/resources.ts";

/** What the controller makes of a pool; advertisements do not concern it. */
function textOf({ name, prefixes, autoAssign, avoidBuggyIPs, allocation }: Pool): readonly unknown[] {
  const pinned = allocation && [
    allocation.priority,
    [...allocation.namespaces].sort(),
    allocation.serviceSelectors.map(({ text }) => text),
  ];
  return [name, prefixes, autoAssign, avoidBuggyIPs, pinned];
}

/** Reads the configuration out of the mirrors, and notices whether it differs from the last one. */
export class ControllerConfig {
  readonly #namespace: string;
  #last: string | undefined;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** Undefined where it is as it was. */
  read(kube: KubeClient): ConfigInput | undefined {
    const resources = {
      ...NO_RESOURCES,
      pools: [...kube.list(RESOURCES.ipAddressPools)],
      communities: [...kube.list(RESOURCES.communities)],
      namespaces: [...kube.list(RESOURCES.namespaces)],
    };
    const result = parseConfig(resources, { namespace: this.#namespace, component: "controller" });
    const input = "config" in result ? result : { error: errorSummary(result.problems) };
    const text = "config" in input ? textOfConfig(input.config) : input.error;
    if (text === this.#last) return undefined;
    this.#last = text;
    return input;
  }
}

const textOfConfig = ({ pools }: Config): string => JSON.stringify([...pools.values()].map(textOf));
