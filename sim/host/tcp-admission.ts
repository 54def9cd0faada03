// RFC 2385 (MD5 signatures) and RFC 5082 (generalized TTL security), as Linux applies them: a segment that does not
// belong is dropped without an answer, whatever it carries. A RST of a peer that lost its memory is no exception.
import { type Ip } from "../../impl/wire/ip.ts";
import { contains, lengthOf, type Prefix } from "../../impl/wire/prefix.ts";
import { type Tcp } from "../../impl/wire/tcp.ts";
import { LONGEST_MD5_KEY, tcpMd5 } from "../../impl/wire/tcp-md5.ts";
import { type IpPacket } from "./hooks.ts";

/** TCP_MD5SIG_EXT with TCP_MD5SIG_FLAG_PREFIX: the peers that sign with this key. */
export interface Md5Key {
  readonly peers: Prefix;
  readonly key: Uint8Array;
}

export interface Admission {
  readonly minTtl?: number | undefined;
  readonly md5Key?: Uint8Array | undefined;
}

/** The names of TCPMINTTLDROP, TCPMD5NOTFOUND, TCPMD5UNEXPECTED and TCPMD5FAILURE. */
export type Inadmissible = "TTL too low" | "MD5 signature missing" | "MD5 signature unexpected" | "MD5 signature wrong";

export const isMd5Key = (key: Uint8Array): boolean => key.length > 0 && key.length <= LONGEST_MD5_KEY;

/** The key for one peer: that of the longest prefix (tcp_md5_do_lookup). */
export function keyFor(keys: readonly Md5Key[], peer: Ip): Uint8Array | undefined {
  let best: Md5Key | undefined;
  for (const candidate of keys) {
    if (!contains(candidate.peers, peer)) continue;
    if (best === undefined || lengthOf(candidate.peers) > lengthOf(best.peers)) best = candidate;
  }
  return best?.key;
}

/** Why a segment is not let in; undefined where it is. */
export function inadmissible(packet: IpPacket, segment: Tcp, { minTtl, md5Key }: Admission): Inadmissible | undefined {
  if (minTtl !== undefined && packet.ttl < minTtl) return "TTL too low";
  const { md5 } = segment.options;
  if (md5Key === undefined) return md5 === undefined ? undefined : "MD5 signature unexpected";
  if (md5 === undefined) return "MD5 signature missing";
  const { payload, source, destination } = packet;
  const expected = tcpMd5(payload, source, destination, md5Key);
  return expected.every((byte, index) => byte === md5[index]) ? undefined : "MD5 signature wrong";
}
