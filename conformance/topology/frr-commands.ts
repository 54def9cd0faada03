// What a router's configuration does to its kernel by itself, in the words of `exec`: zebra and staticd would do it.
import { type RouterConfig } from "../../sim/router/config/model.ts";
import { type ExecCommand } from "./exec.ts";

function forwarding({ forwarding: { ipv4, ipv6 } }: RouterConfig): readonly ExecCommand[] {
  const sysctl = (name: string, on: boolean | undefined): ExecCommand[] =>
    on === undefined ? [] : [{ kind: "sysctl", name, value: on ? "1" : "0" }];
  return [...sysctl("net.ipv4.ip_forward", ipv4), ...sysctl("net.ipv6.conf.all.forwarding", ipv6)];
}

/** Static routes of VRFs, and those that discard, are left to the router. */
export function kernelCommands(config: RouterConfig): readonly ExecCommand[] {
  const links = config.interfaces.flatMap(({ name, addresses, shutdown }): ExecCommand[] => [
    ...addresses.map((address): ExecCommand => ({ kind: "address", device: name, address })),
    ...(shutdown ? [{ kind: "linkSet", device: name, change: { up: false } } as const] : []),
  ]);
  const routes = config.staticRoutes.flatMap(({ prefix, vrf, to }): ExecCommand[] => {
    if (vrf !== undefined || to.kind === "blackhole") return [];
    const via = to.kind === "via" ? to.via : undefined;
    return [{ kind: "route", prefix, via, device: to.device, vrf: undefined }];
  });
  return [...links, ...routes, ...forwarding(config)];
}
