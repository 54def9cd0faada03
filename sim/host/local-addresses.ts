import { type Ip, ipToBytes, isIpv4 } from "../../impl/wire/ip.ts";
import { ipv4Number } from "./neighbours.ts";

/** The addresses of a host: those of each VRF, and those of none. An address may be on several interfaces. */
export class LocalAddresses {
  readonly #counts = new Map<string, { readonly ip: Ip; count: number }>();
  readonly #numbers = new Map<number, number>();

  add(ip: Ip, vrf: string | undefined): void {
    const known = this.#counts.get(keyOf(ip, vrf));
    if (known === undefined) this.#counts.set(keyOf(ip, vrf), { ip, count: 1 });
    else known.count++;
    if (!isIpv4(ip)) return;
    const number = ipv4Number(ipToBytes(ip));
    this.#numbers.set(number, (this.#numbers.get(number) ?? 0) + 1);
  }

  remove(ip: Ip, vrf: string | undefined): void {
    const known = this.#counts.get(keyOf(ip, vrf));
    if (known === undefined) return;
    known.count--;
    if (known.count === 0) this.#counts.delete(keyOf(ip, vrf));
    if (!isIpv4(ip)) return;
    const number = ipv4Number(ipToBytes(ip));
    const left = (this.#numbers.get(number) ?? 0) - 1;
    if (left > 0) this.#numbers.set(number, left);
    else this.#numbers.delete(number);
  }

  has(ip: Ip, vrf: string | undefined): boolean {
    return this.#counts.has(keyOf(ip, vrf)) || ip.startsWith("127.");
  }

  /** An IPv4 address as ipv4Number reads it, in whatever VRF; 127.0.0.0/8 left out. */
  hasNumber(ip: number): boolean {
    return this.#numbers.has(ip);
  }

  all(): readonly Ip[] {
    return [...new Set([...this.#counts.values()].map(({ ip }) => ip))];
  }
}

const keyOf = (ip: Ip, vrf: string | undefined): string => (vrf === undefined ? ip : `${ip}%${vrf}`);
