import { millis, type Micros, plus, seconds } from "../../../impl/wire/time.ts";
import { FlowGroup } from "../../../sim/host/flow-group.ts";
import { type Host } from "../../../sim/host/host.ts";
import { type Client, type Flows } from "../../world.ts";
import { ending } from "../ending.ts";
import { type Stage } from "./clock.ts";

const EVERY: Micros = seconds(1);
/** How long a client waits for an answer before it gives a flow up. */
const PATIENCE: Micros = seconds(10);
/** All at once fill the queues of what is not resolved yet, and then SYNs are sent again. */
const OPENING: Micros = seconds(8);

/** Opens the flows, and comes back when each of them was answered, or broke. */
export function openFlows(
  client: Host,
  router: Host,
  stage: Stage,
  { vip, port = 80, count, every = EVERY }: Parameters<Client["flows"]>[0],
): Flows {
  const group = new FlowGroup(client, {
    target: { ip: vip, port },
    count,
    every,
    patience: PATIENCE,
    router,
    changed: () => stage.touch(),
  });
  stage.endsWithScenario(() => group.close());
  stage.until(() => group.settled, plus(stage.now(), OPENING));
  group.mark();
  return {
    mark: async () => group.mark(),
    report: async () => group.report(),
    // A moment, so that the last segments are gone before the next thing happens.
    ...ending(() => {
      group.close();
      stage.until(() => false, plus(stage.now(), millis(10)));
    }),
  };
}
