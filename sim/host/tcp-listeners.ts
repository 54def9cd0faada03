import { type Endpoint, type StreamOptions } from "../../impl/ports.ts";
import { type Ip, isIpv6 } from "../../impl/wire/ip.ts";
import { type Md5Key } from "./tcp-admission.ts";
import { type TcpHandler } from "./tcp-owner.ts";
import { type TcpSocket } from "./tcp-socket.ts";

/** Where to listen: without an address, on all of both families; `0.0.0.0` is all of IPv4, `::` all of both. */
export interface ListenAddress {
  readonly ip?: Ip;
  readonly port: number;
}

/** What accepted connections inherit. */
export interface ListenOptions extends Pick<StreamOptions, "device" | "ttl" | "minTtl"> {
  /** Peers that no key is for must not sign. */
  readonly md5Keys?: readonly Md5Key[];
}

/** Chooses the owner of a new connection; called when its handshake is done, just before `opened`. */
export type Accept = (socket: TcpSocket) => TcpHandler;

/** Disposing ends listening and leaves accepted connections alone. */
export interface TcpListener extends Disposable {
  /** For connections from now on. */
  setMd5Keys(keys: readonly Md5Key[]): void;
}

export interface Listening {
  readonly accept: Accept;
  readonly options: ListenOptions;
  md5Keys: readonly Md5Key[];
}

export const formatEndpoint = ({ ip, port }: Endpoint): string => (isIpv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`);

/** Those who listen on one host, by address, port and the device that they are bound to. */
export class TcpListeners {
  readonly #rows = new Map<string, Listening>();

  /** Undefined where another one has the address (EADDRINUSE). */
  add(address: ListenAddress, accept: Accept, options: ListenOptions): TcpListener | undefined {
    const at = listenKey(address, options.device);
    if (this.#rows.has(at)) return undefined;
    const row: Listening = { accept, options, md5Keys: options.md5Keys ?? [] };
    this.#rows.set(at, row);
    return {
      setMd5Keys: (keys) => {
        row.md5Keys = keys;
      },
      [Symbol.dispose]: () => {
        if (this.#rows.get(at) === row) this.#rows.delete(at);
      },
    };
  }

  /** Who takes what arrived at `local` on `link`: the most exact address first, then who is bound to a device. */
  find(local: Endpoint, link: string, vrf: string | undefined): Listening | undefined {
    const { ip, port } = local;
    const addresses: ListenAddress[] = [local];
    if (!isIpv6(ip)) addresses.push({ ip: "0.0.0.0" as Ip, port });
    addresses.push({ port });
    for (const address of addresses) {
      const found =
        this.#rows.get(listenKey(address, link)) ??
        (vrf === undefined ? this.#rows.get(listenKey(address)) : this.#rows.get(listenKey(address, vrf)));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  clear(): void {
    this.#rows.clear();
  }
}

function listenKey({ ip, port }: ListenAddress, device?: string): string {
  const at = ip === undefined || ip === "::" ? `*:${port}` : formatEndpoint({ ip, port });
  return device === undefined ? at : `${at}%${device}`;
}
