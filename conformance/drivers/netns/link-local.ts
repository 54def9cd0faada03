import { type Ip, ipToBytes, isIpv6, isLinkLocal } from "../../../impl/wire/ip.ts";
import { type Mac, macFromBytes } from "../../../impl/wire/mac.ts";

/** RFC 4291 appendix A: the MAC that a link-local address was made of; undefined where it was made otherwise. */
export function macOfLinkLocal(ip: Ip): Mac | undefined {
  if (!isIpv6(ip) || !isLinkLocal(ip)) return undefined;
  const [a = 0, b = 0, c = 0, ff, fe, d = 0, e = 0, f = 0] = ipToBytes(ip).subarray(8);
  // The universal bit is inverted.
  return ff === 0xff && fe === 0xfe ? macFromBytes(Uint8Array.of(a ^ 0x02, b, c, d, e, f)) : undefined;
}
