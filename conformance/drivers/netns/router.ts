import { type Ip } from "../../../impl/wire/ip.ts";
import {
  type BfdPeer,
  type BgpNeighbor,
  type BgpPath,
  type Ending,
  type ForwardingEntry,
  type RouterControl,
} from "../../world.ts";
import { ending } from "../ending.ts";
import { setCarrier, silence } from "./cables.ts";
import { type NetnsCluster } from "./cluster.ts";
import { run } from "./command.ts";
import { forwardingOf } from "./forwarding.ts";
import { type RoutingSuite } from "./routing-suite.ts";

/** A router in a namespace: its software is another project's, and its kernel is this machine's. */
export class NetnsRouter implements RouterControl {
  readonly name: string;
  readonly #cluster: NetnsCluster;

  constructor(cluster: NetnsCluster, name: string) {
    this.name = name;
    this.#cluster = cluster;
  }

  get #suite(): RoutingSuite {
    return this.#cluster.routing(this.name);
  }

  get #namespace(): string {
    return this.#cluster.network.namespace(this.name);
  }

  fib(prefix: string): Promise<ForwardingEntry | undefined> {
    return forwardingOf(this.#namespace, prefix, (ip) => this.#cluster.nodeOf(ip));
  }

  /** Its kernel spreads flows as it does on this machine. */
  spread(): Promise<never> {
    return Promise.reject(new Error(`${this.name}: how this router spreads flows cannot be told`));
  }

  paths(prefix?: string): Promise<readonly BgpPath[]> {
    return this.#suite.paths(prefix);
  }

  neighbors(): Promise<readonly BgpNeighbor[]> {
    return this.#suite.neighbors();
  }

  bfdPeers(): Promise<readonly BfdPeer[]> {
    return this.#suite.bfdPeers();
  }

  async configure(...lines: readonly string[]): Promise<void> {
    this.#cluster.disturb(`${this.name}: ${lines.join("; ")}`);
    await this.#suite.configure(lines);
  }

  async clear(neighbor: Ip, how: "hard" | "soft"): Promise<void> {
    this.#cluster.disturb(`${this.name}: clear ${neighbor} ${how}`);
    await this.#suite.clear(neighbor, how);
  }

  async crashDaemons(): Promise<Ending> {
    const fault = this.#cluster.lasting(`${this.name}: daemons killed`);
    await this.#suite.kill();
    return ending(async () => {
      await this.#suite.start();
      fault();
    });
  }

  async pauseDaemons(): Promise<Ending> {
    const fault = this.#cluster.lasting(`${this.name}: daemons paused`);
    const resume = this.#suite.pause();
    return ending(() => {
      resume();
      fault();
    });
  }

  async powerOff(): Promise<Ending> {
    const fault = this.#cluster.lasting(`${this.name}: no power`);
    await silence(this.#cluster.network, this.name, true);
    await this.#suite.kill();
    return ending(async () => {
      // A machine that boots knows nobody, and no way that it was told.
      await run("ip", ["-n", this.#namespace, "neigh", "flush", "all"]);
      await silence(this.#cluster.network, this.name, false);
      await this.#suite.start();
      fault();
    });
  }

  async linkDown(link: string): Promise<Ending> {
    const fault = this.#cluster.lasting(`${this.name}: ${link} has no carrier`);
    await setCarrier(this.#cluster.network, this.name, link, false);
    return ending(async () => {
      await setCarrier(this.#cluster.network, this.name, link, true);
      fault();
    });
  }
}
