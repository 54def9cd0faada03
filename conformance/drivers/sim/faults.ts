// What scenarios call a fault, as rules on simulated cables.
import { decodeEthernet, ETHER_TYPES } from "../../../impl/wire/ethernet.ts";
import { IP_PROTOCOLS } from "../../../impl/wire/ipv4.ts";
import { millis } from "../../../impl/wire/time.ts";
import { corrupt, delay, type Direction, duplicate, jitter, loss, reorder } from "../../../sim/ethernet/faults.ts";
import { type FrameRule } from "../../../sim/ethernet/rule.ts";
import { type FrameFault } from "../../world.ts";
import { claimOf } from "../claims.ts";
import { type Connection, type Wiring } from "./wiring.ts";

const MEMBERS_PORT = 7946;

interface Headers {
  readonly etherType: number;
  readonly protocol: number | undefined;
  readonly icmpType: number;
  readonly ports: readonly number[];
}

/** Enough of a frame to sort it; tags are skipped, other extension headers are not. */
function headersOf(frame: Uint8Array): Headers {
  const { etherType, payload } = decodeEthernet(frame);
  const v4 = etherType === ETHER_TYPES.ipv4;
  const v6 = etherType === ETHER_TYPES.ipv6;
  const protocol = v4 ? payload[9] : v6 ? payload[6] : undefined;
  const start = v4 ? ((payload[0] ?? 0) & 15) * 4 : 40;
  const u16 = (at: number): number => (payload[at] ?? 0) * 256 + (payload[at + 1] ?? 0);
  return { etherType, protocol, icmpType: payload[start] ?? 0, ports: [u16(start), u16(start + 2)] };
}

function selects(only: FrameFault["only"], frame: Uint8Array): boolean {
  if (only === undefined) return true;
  if (only === "gratuitous") return claimOf(frame)?.how === "gratuitous";
  const { etherType, protocol, icmpType, ports } = headersOf(frame);
  if (only === "arp") return etherType === ETHER_TYPES.arp;
  if (only === "ndp") return protocol === IP_PROTOCOLS.icmp6 && icmpType >= 133 && icmpType <= 137;
  if (only === "members")
    return ports.includes(MEMBERS_PORT) && (protocol === IP_PROTOCOLS.udp || protocol === IP_PROTOCOLS.tcp);
  return protocol === IP_PROTOCOLS[only];
}

/** The rule, for the frames that `only` selects. */
function narrowed(rule: FrameRule, only: FrameFault["only"]): FrameRule {
  if (only === undefined) return rule;
  return {
    ...rule,
    name: `${rule.name} of ${only}`,
    start(random) {
      const judge = rule.start(random);
      return (frame, now) => (selects(only, frame) ? judge(frame, now) : { kind: "pass" });
    },
  };
}

function rulesOf(fault: FrameFault, direction: Direction): readonly FrameRule[] {
  const rules: FrameRule[] = [];
  if (fault.loss !== undefined) rules.push(loss(fault.loss, direction));
  if (fault.delay !== undefined) rules.push(delay(fault.delay, direction));
  if (fault.jitter !== undefined) rules.push(jitter(fault.jitter, direction));
  if (fault.duplicate !== undefined) rules.push(duplicate(fault.duplicate, undefined, direction));
  if (fault.reorder !== undefined) rules.push(reorder(fault.reorder, millis(5), direction));
  if (fault.corrupt !== undefined) rules.push(corrupt(fault.corrupt, direction));
  return rules.map((rule) => narrowed(rule, fault.only));
}

function directionOf(connection: Connection, direction: FrameFault["direction"]): Direction {
  if (direction === undefined) return "both";
  const outward = connection.end === "a" ? "aToB" : "bToA";
  const inward = connection.end === "a" ? "bToA" : "aToB";
  return direction === "out" ? outward : inward;
}

/** Puts the fault on the cables of `fault.at` until the handle is disposed. Throws where there is no such cable. */
export function startFault(wiring: Wiring, fault: FrameFault): Disposable {
  const connections = (wiring.connections.get(fault.at) ?? []).filter(
    ({ link }) => fault.link === undefined || fault.link === link,
  );
  if (connections.length === 0)
    throw new Error(`nothing is called ${fault.at}${fault.link === undefined ? "" : `:${fault.link}`}`);
  const handles = connections.flatMap((connection) =>
    rulesOf(fault, directionOf(connection, fault.direction)).map((rule) => connection.cable.rule(rule)),
  );
  return {
    [Symbol.dispose]() {
      for (const handle of handles) handle[Symbol.dispose]();
    },
  };
}
