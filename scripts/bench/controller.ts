import { Controller } from "../../impl/controller/controller.ts";
import { Metrics } from "../../impl/metrics.ts";
import { type Benchmark, type Result } from "./benchmark.ts";
import { configOf, poolOf, serviceOf } from "./objects.ts";
import { compare, time } from "./timing.ts";

const ADDRESS = "metallb.io/loadBalancerIPs";
const CHANGES = 10_000;

/** A controller that knows its configuration, and every Service that there is. */
function controllerWith(services: number): Controller {
  const controller = new Controller({ lbClass: "", metrics: new Metrics() });
  controller.configChanged({ config: configOf(poolOf("pool", "10.0.0.0/15")) });
  controller.synced();
  for (let index = 0; index < services; index++) settle(controller, `s${index}`);
  return controller;
}

/** Hands in a Service, and then what the controller wrote into its status. */
function settle(controller: Controller, name: string, annotations: Readonly<Record<string, string>> = {}): void {
  const key = `default/${name}`;
  for (const effect of controller.serviceChanged(key, serviceOf(name, { annotations }))) {
    if (effect.kind !== "writeStatus") continue;
    const pool = { "metallb.io/ip-allocated-from-pool": effect.pool ?? "" };
    controller.serviceChanged(key, serviceOf(name, { annotations: { ...annotations, ...pool }, ips: effect.ingress }));
  }
}

function assignment(services: number): Result {
  const took = time(() => void controllerWith(services), { rounds: 5, warmUps: 2 });
  return { benchmark: `controller: ${services} Services to addresses`, value: took, unit: "ms" };
}

/** One Service asks for another address, and for its first one again. */
function changes(services: number): () => void {
  const controller = controllerWith(services);
  return () => {
    for (let change = 0; change < CHANGES; change++) settle(controller, "s7", { [ADDRESS]: `10.1.255.${change % 2}` });
  };
}

function reaction(many: number, few: number): Result {
  const { one, ratio } = compare(changes(many), changes(few));
  return {
    benchmark: `controller: one change among ${many} Services`,
    value: (one / CHANGES) * 1000,
    unit: "µs",
    ratio: { value: ratio, of: `to one among ${few}` },
    aim: { of: "ratio", atMost: 1.2 },
  };
}

export const controller: Benchmark = {
  name: "controller",
  run: () => {
    const all = assignment(10_000);
    return [
      all,
      { benchmark: "controller: the same, for each Service", value: (all.value / 10_000) * 1000, unit: "µs" },
      reaction(50_000, 50),
    ];
  },
};
