// RFC 4271 section 8 (a speaker listens on port 179), RFC 2385 (a key for each neighbour).
import { encodeUtf8 } from "../../../impl/wire/text.ts";
import { bitsOf, maskTo } from "../../../impl/wire/prefix.ts";
import { familyOf } from "../../../impl/wire/ip.ts";
import { micros } from "../../../impl/wire/time.ts";
import { type Md5Key } from "../../host/tcp-admission.ts";
import { type TcpListener } from "../../host/tcp-listeners.ts";
import { type TcpHandler, type TcpSocket } from "../../host/tcp.ts";
import { type BgpConfig } from "../config/model.ts";
import { type Daemon, type Held } from "../daemon.ts";

export const BGP_PORT = 179;
const GREATEST_TTL = 255;

/** Who takes a connection; undefined where nobody does. */
export type Welcome = (socket: TcpSocket) => TcpHandler | undefined;

export class Listener {
  readonly #daemon: Daemon;
  readonly #welcome: Welcome;
  readonly #listener: TcpListener;
  readonly #held: Held;

  constructor(daemon: Daemon, vrf: string | undefined, welcome: Welcome) {
    this.#daemon = daemon;
    this.#welcome = welcome;
    // bgp_socket: even the SYN-ACK must satisfy a neighbour that enforces GTSM (RFC 5082), as it comes before any setting
    // of the neighbour's own.
    const options = { ttl: GREATEST_TTL, ...(vrf === undefined ? {} : { device: vrf }) };
    this.#listener = daemon.host.tcp.listen(BGP_PORT, (socket) => this.#accept(socket), options);
    this.#held = daemon.hold({ close: () => this.#listener[Symbol.dispose]() });
  }

  setKeys(bgp: BgpConfig): void {
    this.#listener.setMd5Keys(md5Keys(bgp));
  }

  close(): void {
    this.#daemon.letGo(this.#held);
    this.#listener[Symbol.dispose]();
  }

  /** The kernel has accepted; the daemon hears of it when it runs. */
  #accept(socket: TcpSocket): TcpHandler {
    const daemon = this.#daemon;
    const waiting = daemon.hold({ close: () => socket.close() });
    let handler: TcpHandler | undefined;
    daemon.run(() => {
      daemon.letGo(waiting);
      handler = this.#welcome(socket);
      if (handler === undefined) daemon.after(NOW, () => socket.close());
    });
    return {
      opened: () => daemon.run(() => handler?.opened?.()),
      data: (bytes) => {
        const copy = bytes.slice();
        daemon.run(() => handler?.data?.(copy));
      },
      ended: () => daemon.run(() => handler?.ended?.()),
      closed: (because) => daemon.run(() => handler?.closed?.(because)),
    };
  }
}

const NOW = micros(0);

function md5Keys({ neighbors, listen }: BgpConfig): readonly Md5Key[] {
  const keys: Md5Key[] = [];
  for (const { peer, password } of neighbors) {
    if (password === undefined || peer.kind !== "address") continue;
    keys.push({ peers: maskTo(peer.ip, bitsOf(familyOf(peer.ip))), key: encodeUtf8(password) });
  }
  for (const { prefix, settings } of listen.ranges) {
    if (settings.password !== undefined) keys.push({ peers: prefix, key: encodeUtf8(settings.password) });
  }
  return keys;
}
