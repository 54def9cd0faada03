import { type Endpoint } from "../../impl/ports.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { decodeUtf8, encodeUtf8 } from "../../impl/wire/text.ts";
import { type Micros, plus } from "../../impl/wire/time.ts";
import { type Tuple } from "./conntrack-tuple.ts";
import { type Host } from "./host.ts";
import { type NextHop, nextHopKey } from "./next-hop.ts";
import { type TcpSocket } from "./tcp-socket.ts";

export interface FlowGroupOptions {
  readonly target: Endpoint;
  readonly count: number;
  /** Each flow asks this often who serves it. */
  readonly every: Micros;
  /** A flow whose question has no answer for so long is given up. */
  readonly patience: Micros;
  /** Where the way of each flow is looked up. */
  readonly router: Pick<Host, "nextHopFor" | "nextHopsTo">;
  /** Called when a flow has its first answer, or broke. */
  readonly changed?: () => void;
}

/** What became of flows since the mark. */
export interface FlowCounts {
  /** Those that lived at the mark. */
  readonly flows: number;
  /** Of those that live, by the node of the pod that answered last. */
  readonly byNode: Readonly<Record<string, number>>;
  /** They take another next hop than at the mark. */
  readonly moved: number;
  /** Moved because their next hop is gone. */
  readonly forced: number;
  /** Moved although their next hop is still there. */
  readonly collateral: number;
  /** Reset, ended or given up. */
  readonly broken: number;
  /** Broken by a reset. */
  readonly reset: number;
}

const QUESTION = encodeUtf8("who\n");
const NOWHERE = "";

/** One connection that asks again and again. */
class Flow {
  readonly #host: Host;
  readonly #options: FlowGroupOptions;
  readonly #socket: TcpSocket;
  #line = "";
  /** Of the question that is not answered yet. */
  #askedAt: Micros | undefined;
  /** The node of the pod that answered last. */
  node: string | undefined;
  broken = false;
  /** Why it broke. */
  wasReset = false;
  /** Its next hop at the mark; undefined where it was broken by then. */
  marked: string | undefined;

  constructor(host: Host, options: FlowGroupOptions) {
    this.#host = host;
    this.#options = options;
    this.#socket = host.tcp.connect(options.target, {
      opened: () => this.#ask(),
      data: (bytes) => this.#read(decodeUtf8(bytes)),
      ended: () => this.#break(),
      closed: (because) => {
        this.wasReset = because === "ECONNRESET";
        this.#break();
      },
    });
    this.#askedAt = host.world.scheduler.now;
    this.#schedule(options.every);
  }

  get tuple(): Tuple {
    const { local, remote } = this.#socket;
    return {
      protocol: IP_PROTOCOLS.tcp,
      source: local.ip,
      sourcePort: local.port,
      destination: remote.ip,
      destinationPort: remote.port,
    };
  }

  close(): void {
    this.broken = true;
    this.#socket.abort();
  }

  #schedule(after: Micros): void {
    this.#host.after(after, () => {
      if (this.broken) return;
      const { now } = this.#host.world.scheduler;
      if (this.#askedAt === undefined) this.#ask();
      else if (now >= plus(this.#askedAt, this.#options.patience)) this.#break();
      this.#schedule(this.#options.every);
    });
  }

  #ask(): void {
    this.#askedAt = this.#host.world.scheduler.now;
    this.#socket.write(QUESTION);
  }

  #read(text: string): void {
    this.#line += text;
    const end = this.#line.lastIndexOf("\n");
    if (end === -1) return;
    const [, node = ""] = this.#line.slice(0, end).split(" ");
    this.#line = this.#line.slice(end + 1);
    this.#askedAt = undefined;
    const isFirst = this.node === undefined;
    this.node = node;
    if (isFirst) this.#options.changed?.();
  }

  #break(): void {
    if (this.broken) return;
    this.close();
    this.#options.changed?.();
  }
}

/** Many connections from one host to one address, watched from end to end. None is opened again when it breaks. */
export class FlowGroup {
  readonly #options: FlowGroupOptions;
  readonly #flows: readonly Flow[];

  constructor(host: Host, options: FlowGroupOptions) {
    this.#options = options;
    this.#flows = Array.from({ length: options.count }, () => new Flow(host, options));
    this.mark();
  }

  /** Every flow has had an answer, or broke. */
  get settled(): boolean {
    return this.#flows.every(({ node, broken }) => broken || node !== undefined);
  }

  #nextHop(flow: Flow): string {
    const nextHop = this.#options.router.nextHopFor(flow.tuple);
    return nextHop === undefined ? NOWHERE : nextHopKey(nextHop);
  }

  /** From here on changes count. */
  mark(): void {
    for (const flow of this.#flows) flow.marked = flow.broken ? undefined : this.#nextHop(flow);
  }

  report(): FlowCounts {
    const { router, target } = this.#options;
    const there = new Set(router.nextHopsTo(target.ip).map(nextHopKey));
    const counted = this.#flows.filter(({ marked }) => marked !== undefined);
    const moved = counted.filter((flow) => this.#nextHop(flow) !== flow.marked);
    const forced = moved.filter(({ marked = NOWHERE }) => !there.has(marked)).length;
    const byNode: Record<string, number> = {};
    for (const { node, broken } of this.#flows) {
      if (!broken && node !== undefined) byNode[node] = (byNode[node] ?? 0) + 1;
    }
    return {
      flows: counted.length,
      byNode,
      moved: moved.length,
      forced,
      collateral: moved.length - forced,
      broken: counted.filter(({ broken }) => broken).length,
      reset: counted.filter(({ wasReset }) => wasReset).length,
    };
  }

  /** To which next hop the router sends how many of the flows that live. */
  byNextHop(): ReadonlyMap<NextHop, number> {
    const counts = new Map<NextHop, number>();
    for (const flow of this.#flows) {
      const nextHop = flow.broken ? undefined : this.#options.router.nextHopFor(flow.tuple);
      if (nextHop !== undefined) counts.set(nextHop, (counts.get(nextHop) ?? 0) + 1);
    }
    return counts;
  }

  /** Ends every flow with RST. */
  close(): void {
    for (const flow of this.#flows) flow.close();
  }
}
