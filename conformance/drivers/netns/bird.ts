// BIRD in a namespace, told what frr.conf means.
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Ip } from "../../../impl/wire/ip.ts";
import { readFrrConfig } from "../../../sim/router/config/read.ts";
import { type BfdPeer, type BgpNeighbor, type BgpPath } from "../../world.ts";
import { birdConfig } from "./bird-config.ts";
import { bfdSessionsIn, BirdLog, type BirdSession, routesIn, sessionsIn } from "./bird-show.ts";
import { askBird } from "./birdc.ts";
import { run } from "./command.ts";
import { Daemons } from "./daemons.ts";
import { forwardingOf } from "./forwarding.ts";
import { createRunFolder, removeRunFolder } from "./run-folder.ts";
import { type RoutingSuite, type SuiteOptions } from "./routing-suite.ts";

/** Where Debian's package has it. */
const PROGRAM = "/usr/sbin/bird";

/** Why this machine cannot run BIRD; undefined where it can. */
export const birdMissing = (): string | undefined =>
  existsSync(PROGRAM) ? undefined : "BIRD is not installed (bird2)";

export class Bird implements RoutingSuite {
  readonly #options: SuiteOptions;
  readonly #folder = createRunFolder();
  readonly #daemons: Daemons;
  readonly #log = new BirdLog();
  #typed: readonly string[] = [];

  constructor(options: SuiteOptions) {
    this.#options = options;
    const { namespace, onFailure, onLine } = options;
    this.#daemons = new Daemons({
      namespace,
      onFailure,
      onLine: (daemon, line) => {
        this.#log.read(line);
        onLine(daemon, line);
      },
    });
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }

  async #write(typed: readonly string[]): Promise<void> {
    const read = readFrrConfig(this.#options.config, typed);
    if ("problems" in read) {
      const problems = read.problems.map(({ line, problem }) => `line ${line}: ${problem}`);
      throw new Error(`${this.#options.name}: ${problems.join("; ")}`);
    }
    writeFileSync(this.#file("bird.conf"), birdConfig(read.config));
    // A file that it does not take would end it, or be left aside with a word in its log.
    await run(PROGRAM, ["-p", "-c", this.#file("bird.conf")]);
  }

  async start(): Promise<void> {
    await this.#write(this.#typed);
    const socket = this.#file("bird.ctl");
    rmSync(socket, { force: true });
    const args = ["-f", "-c", this.#file("bird.conf"), "-s", socket, "-P", this.#file("bird.pid")];
    await this.#daemons.start([{ name: "bird", command: PROGRAM, args, socket }]);
  }

  async kill(): Promise<void> {
    await this.#daemons.kill();
  }

  abandon(): void {
    this.#daemons.abandon();
    removeRunFolder(this.#folder);
  }

  pause(): () => void {
    this.#daemons.signal("SIGSTOP");
    return () => this.#daemons.signal("SIGCONT");
  }

  #ask(question: string): Promise<readonly string[]> {
    return this.#daemons.run ? askBird(this.#file("bird.ctl"), question) : Promise.resolve([]);
  }

  async #sessions(): Promise<readonly BirdSession[]> {
    return sessionsIn(await this.#ask("show protocols all"), this.#options.nodeOf, this.#log);
  }

  async neighbors(): Promise<readonly BgpNeighbor[]> {
    return (await this.#sessions()).map(({ neighbor }) => neighbor);
  }

  async paths(prefix?: string): Promise<readonly BgpPath[]> {
    const { namespace, nodeOf } = this.#options;
    const lines = await this.#ask(`show route ${prefix === undefined ? "" : `for ${prefix} `}all`);
    const told = routesIn(lines, await this.#sessions(), nodeOf, () => false);
    // BIRD's longest match may be another prefix.
    const own = told.filter((path) => prefix === undefined || path.prefix === prefix);
    const hops = new Map<string, readonly Ip[]>();
    for (const each of new Set(own.map((path) => path.prefix))) {
      const entry = await forwardingOf(namespace, each, nodeOf);
      hops.set(each, entry?.nextHops.map(({ ip }) => ip) ?? []);
    }
    return own.map((path) => {
      const used = hops.get(path.prefix) ?? [];
      const isUsed = used.some((ip) => ip === path.nextHop || ip === path.linkLocal);
      return { ...path, multipath: used.length > 1 && isUsed };
    });
  }

  async bfdPeers(): Promise<readonly BfdPeer[]> {
    return bfdSessionsIn(await this.#ask("show bfd sessions"), this.#options.nodeOf, this.#log);
  }

  async configure(lines: readonly string[]): Promise<void> {
    const typed = [...this.#typed, ...lines];
    await this.#write(typed);
    await this.#ask("configure");
    this.#typed = typed;
  }

  async clear(neighbor: Ip, how: "hard" | "soft"): Promise<void> {
    const session = (await this.#sessions()).find((each) => each.neighbor.address === neighbor);
    if (session === undefined) throw new Error(`${this.#options.name} has no neighbour ${neighbor}`);
    await this.#ask(how === "hard" ? `restart ${session.protocol}` : `reload in ${session.protocol}`);
  }
}
