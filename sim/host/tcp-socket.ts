import { type Endpoint, type StreamOptions } from "../../impl/ports.ts";
import { type KeepaliveOptions } from "./tcp-keepalive.ts";
import { type TcpState } from "./tcp-state.ts";

/** How the segments of a connection travel, and which of the peer's are let in. */
export type TcpPath = Omit<StreamOptions, "source">;

/** What the owner of a connection holds. */
export interface TcpSocket {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** The device that it is bound to; an accepted connection of link-local addresses is bound to where it came in. */
  readonly device: string | undefined;
  readonly state: TcpState;
  /** How many more bytes the send buffer takes. What is written beyond is kept all the same. */
  readonly room: number;
  write(bytes: Uint8Array): void;
  /** FIN after what was written; reading goes on. */
  shutdown(): void;
  /** FIN, or RST where something was not read; nothing is told any more. */
  close(): void;
  /** RST. */
  abort(): void;
  /** Stops reading, as a process that does not run: the kernel acknowledges until the window is full. */
  pause(): void;
  resume(): void;
  keepAlive(options: KeepaliveOptions): void;
  /** IP_TTL and IP_MINTTL from now on. */
  setHops(hops: Pick<TcpPath, "ttl" | "minTtl">): void;
}
