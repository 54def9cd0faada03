// What to do about a socket of BFD that can not be opened.
import { type Ip } from "../../wire/ip.ts";
import { type Purpose } from "./sockets.ts";

export function hintFor(
  { kind }: Pick<Purpose, "kind">,
  ip: Ip,
  port: number,
  device: string | undefined,
  because: string,
): string | undefined {
  if (because.includes("EADDRINUSE")) {
    return kind === "receive"
      ? `another BFD daemon of this node (FRR's bfdd, BIRD) has UDP port ${port}: stop it there, or take bfdProfile from the peers`
      : "all source ports that were tried are taken";
  }
  if (because.includes("EADDRNOTAVAIL")) return `no interface of this node has ${ip}, or it is not ready yet`;
  if (because.includes("ENODEV")) return `this node has no interface ${device ?? ""}`.trimEnd();
  if (because.includes("EPERM") || because.includes("EACCES")) return "binding to an interface needs CAP_NET_RAW";
  return undefined;
}
