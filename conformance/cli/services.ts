import { type Service } from "../../impl/api/kubernetes.ts";
import { type World } from "../world.ts";

export async function loadBalancers(world: World): Promise<readonly Service[]> {
  const services = (await world.kubernetes.list("Service")) as readonly Service[];
  return services.filter(({ spec }) => spec.type === "LoadBalancer");
}
