// What Linux makes of a packet that may go several ways: fib_multipath_hash (net/ipv4/route.c), rt6_multipath_hash
// (net/ipv6/route.c) and flow_hash_from_keys_seed (net/core/flow_dissector.c), bit for bit as on a little-endian machine.
import { ipToBytes, isIpv4 } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { type Tuple, tupleOf } from "./conntrack-tuple.ts";
import { type IpPacket } from "./hooks.ts";
import { readQuoted } from "./ip-codec.ts";
import { sipHash } from "./siphash.ts";

/** net.ipv4.fib_multipath_hash_policy: 0 looks at the addresses only, 1 at the ports too. */
export type HashInputs = "l3" | "l4";

/** Where the fields of struct flow_keys are, counted from `basic`, where hashing begins. */
const PROTOCOL_AT = 2;
const PORTS_AT = 28;
const ADDRESSES_AT = 36;
/** In whole words of eight bytes. */
const KEYS_LENGTH = { ipv4: 48, ipv6: 72 } as const;
const ICMP_HEADER = 8;
/** icmp_is_err and icmpv6_is_err. */
const ERRORS4: readonly number[] = [3, 4, 5, 11, 12];
const ERRORS6: readonly number[] = [1, 2, 3, 4];

/** 31 bits, the same for both directions of a flow. `seed` is net.ipv4.fib_multipath_hash_seed. */
export function flowHash(tuple: Tuple, inputs: HashInputs, seed: number): number {
  // fib_multipath_hash_construct_key fills the key with the seed.
  return sipHash(keysOf(tuple, inputs), [seed, seed, seed, seed]).low >>> 1;
}

/** __flow_hash_consistentify puts the lesser address and the lesser port first, each for itself. */
function keysOf({ protocol, source, destination, sourcePort, destinationPort }: Tuple, inputs: HashInputs): Uint8Array {
  const version4 = isIpv4(source);
  const keys = new Uint8Array(version4 ? KEYS_LENGTH.ipv4 : KEYS_LENGTH.ipv6);
  // ip6_multipath_l3_keys takes the next header too. Simulated packets have no flow label.
  if (inputs === "l4" || !version4) keys[PROTOCOL_AT] = protocol;
  const addresses = [ipToBytes(source), ipToBytes(destination)] as const;
  // IPv6 addresses are compared as bytes; IPv4 addresses and ports as the machine reads them, the last byte first.
  putInOrder(keys, ADDRESSES_AT, addresses, version4);
  if (inputs === "l4") putInOrder(keys, PORTS_AT, [wordBytes(sourcePort), wordBytes(destinationPort)], true);
  return keys;
}

const wordBytes = (word: number): Uint8Array => Uint8Array.of(word >> 8, word);

function putInOrder(
  keys: Uint8Array,
  at: number,
  [one, other]: readonly [Uint8Array, Uint8Array],
  lastFirst: boolean,
): void {
  const swap = isLess(other, one, lastFirst);
  keys.set(swap ? other : one, at);
  keys.set(swap ? one : other, at + one.length);
}

function isLess(one: Uint8Array, other: Uint8Array, lastFirst: boolean): boolean {
  for (let count = 0; count < one.length; count++) {
    const index = lastFirst ? one.length - 1 - count : count;
    const difference = (one[index] ?? 0) - (other[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/**
 * What a packet is hashed by. With addresses only, an ICMP error goes the way of the packet that it speaks of, so that it
 * reaches the node that sent it.
 */
export function hashedTuple(packet: IpPacket, inputs: HashInputs): Tuple {
  const about = inputs === "l3" ? quotedIn(packet) : undefined;
  const { protocol, source, destination } = about ?? packet;
  return (
    (about === undefined ? tupleOf(packet) : undefined) ?? {
      protocol,
      source,
      destination,
      sourcePort: 0,
      destinationPort: 0,
    }
  );
}

function quotedIn({ protocol, payload }: IpPacket): IpPacket | undefined {
  const version6 = protocol === IP_PROTOCOLS.icmp6;
  if (!version6 && protocol !== IP_PROTOCOLS.icmp) return undefined;
  const isError = (version6 ? ERRORS6 : ERRORS4).includes(payload[0] ?? 0);
  return isError ? readQuoted(payload.subarray(ICMP_HEADER), version6) : undefined;
}
