import { ApiPorts } from "../adapters/api-ports.ts";
import { CONTROLLER_FLAGS, controllerOptions } from "../adapters/daemon/controller-flags.ts";
import { runProgram } from "../adapters/daemon/daemon.ts";
import { SystemRandom } from "../adapters/daemon/random.ts";
import { createController } from "../shell/controller-process.ts";

await runProgram({
  name: "controller",
  introduction: `Gives addresses to Services of type LoadBalancer, from the IPAddressPools.
One runs in a cluster; the speakers tell the network where the addresses are.`,
  flags: CONTROLLER_FLAGS,
  healthHost: undefined,
  create: (values, identity) => {
    const controller = createController({ ...controllerOptions(values, identity), random: new SystemRandom() });
    return { process: controller, metrics: controller.metrics, views: {} };
  },
  openPorts: (options) => new ApiPorts(options),
});
