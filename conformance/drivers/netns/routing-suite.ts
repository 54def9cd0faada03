// What the driver needs of a router's software, whoever wrote it.
import { type Ip } from "../../../impl/wire/ip.ts";
import { type BfdPeer, type BgpNeighbor, type BgpPath } from "../../world.ts";

export type SuiteName = "frr" | "bird";

/** The node that has an address. */
export type NodeOf = (ip: Ip) => string | undefined;

export interface SuiteOptions {
  readonly name: string;
  readonly namespace: string;
  /** The text of frr.conf. */
  readonly config: string;
  readonly nodeOf: NodeOf;
  readonly onLine: (daemon: string, line: string) => void;
  /** A daemon ended though nobody asked it to. */
  readonly onFailure: (daemon: string, how: string) => void;
}

/** Daemons in a namespace; what is asked of them while they do not run is refused, but for views, which are empty. */
export interface RoutingSuite {
  /** Resolves when they run with their configuration. */
  start(): Promise<void>;
  /** SIGKILL; resolves when they are gone. */
  kill(): Promise<void>;
  /** SIGKILL without waiting, and what lies about on the disk goes too. */
  abandon(): void;
  /** SIGSTOP until the returned function is called (SIGCONT). */
  pause(): () => void;
  neighbors(): Promise<readonly BgpNeighbor[]>;
  paths(prefix?: string): Promise<readonly BgpPath[]>;
  bfdPeers(): Promise<readonly BfdPeer[]>;
  /** Lines of frr.conf's configuration mode. They outlive a restart. */
  configure(lines: readonly string[]): Promise<void>;
  clear(neighbor: Ip, how: "hard" | "soft"): Promise<void>;
}
