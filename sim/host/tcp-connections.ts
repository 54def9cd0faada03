import { type Endpoint } from "../../impl/ports.ts";
import { areApart, hears } from "./socket-scope.ts";
import { type TcpConnection } from "./tcp-connection.ts";
import { formatEndpoint } from "./tcp-listeners.ts";

export const pairKey = (local: Endpoint, remote: Endpoint): string =>
  `${formatEndpoint(local)}>${formatEndpoint(remote)}`;

/** The connections of one host by both ends; several have the same ends where they are bound to different devices. */
export class TcpConnections {
  readonly #rows = new Map<string, readonly TcpConnection[]>();

  add(connection: TcpConnection): void {
    const key = pairKey(connection.local, connection.remote);
    this.#rows.set(key, [...(this.#rows.get(key) ?? []), connection]);
  }

  delete(connection: TcpConnection): void {
    const key = pairKey(connection.local, connection.remote);
    const left = (this.#rows.get(key) ?? []).filter((other) => other !== connection);
    if (left.length === 0) this.#rows.delete(key);
    else this.#rows.set(key, left);
  }

  between(local: Endpoint, remote: Endpoint): readonly TcpConnection[] {
    return this.#rows.get(pairKey(local, remote)) ?? [];
  }

  /** Whose a segment is that arrived on `link`. */
  find(local: Endpoint, remote: Endpoint, link: string, vrf: string | undefined): TcpConnection | undefined {
    return this.between(local, remote).find(({ device }) => hears(device, link, vrf));
  }

  /** Whether a new connection that is bound to `device` may have these ends. */
  isFree(local: Endpoint, remote: Endpoint, device: string | undefined): boolean {
    return this.between(local, remote).every((other) => areApart(other.device, device));
  }

  all(): readonly TcpConnection[] {
    return [...this.#rows.values()].flat();
  }

  clear(): void {
    this.#rows.clear();
  }
}
