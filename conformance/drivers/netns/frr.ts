// FRR's daemons in a namespace, with sockets and files of their own: none of the machine's FRR is touched.
import { chownSync, existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Ip } from "../../../impl/wire/ip.ts";
import { type BfdPeer, type BgpNeighbor, type BgpPath } from "../../world.ts";
import { run, tryRun } from "./command.ts";
import { type DaemonCommand, Daemons } from "./daemons.ts";
import { bfdPeersIn, NotificationLog, neighborsIn, pathsIn, prefixesIn } from "./frr-show.ts";
import { type RoutingSuite, type SuiteOptions } from "./routing-suite.ts";
import { createRunFolder, removeRunFolder } from "./run-folder.ts";
import { askDaemon } from "./vty.ts";

/** Where Debian's package has them. */
const FOLDER = "/usr/lib/frr";
/** It belongs to the user that the daemons become. */
const OWNED_BY_FRR = "/etc/frr";
const FAMILIES = ["ipv4", "ipv6"] as const;

/**
 * Zebra keeps a next hop group that no route uses for three minutes. When an interface loses carrier the kernel takes its
 * next hops out of the groups, which zebra before 9.0 does not notice (FRRouting/frr#13413): a route that comes back within
 * these minutes has fewer next hops in the kernel than in zebra's table. In a second the group is gone, and made anew.
 */
const KEEPS_NO_GROUPS = "zebra nexthop-group keep 1";

/** Of what NOTIFICATIONs come with, this is no news. */
const EVERY_TIMER = /\[FSM\]|bgp_fsm_change_status|EOR REQ|End-of-RIB/;

/** Why this machine cannot run FRR; undefined where it can. */
export const frrMissing = (): string | undefined =>
  existsSync(join(FOLDER, "bgpd")) && existsSync(OWNED_BY_FRR) ? undefined : "FRR is not installed (frr)";

export class Frr implements RoutingSuite {
  readonly #options: SuiteOptions;
  readonly #folder = createRunFolder();
  readonly #daemons: Daemons;
  readonly #notifications = new NotificationLog();

  constructor(options: SuiteOptions) {
    this.#options = options;
    const { uid, gid } = statSync(OWNED_BY_FRR);
    chownSync(this.#folder, uid, gid);
    writeFileSync(join(this.#folder, "frr.conf"), `${options.config}\n${KEEPS_NO_GROUPS}\n`);
    writeFileSync(join(this.#folder, "vtysh.conf"), "");
    const { namespace, onFailure, onLine } = options;
    this.#daemons = new Daemons({
      namespace,
      onFailure,
      onLine: (daemon, line) => {
        this.#notifications.read(line);
        if (!EVERY_TIMER.test(line)) onLine(daemon, line);
      },
    });
  }

  #command(name: string, ready: string, ...more: readonly string[]): DaemonCommand {
    const file = (end: string): string => join(this.#folder, end);
    const socket = file(ready);
    rmSync(socket, { force: true });
    const paths = ["--vty_socket", this.#folder, "-z", file("zserv.api"), "-i", file(`${name}.pid`)];
    // Port 0: no terminal over TCP.
    const args = [...paths, "-f", "/dev/null", "-P", "0", "--log", "stdout", ...more];
    return { name, command: join(FOLDER, name), args, socket };
  }

  async start(): Promise<void> {
    // The others end where they do not find zebra's socket.
    await this.#daemons.start([this.#command("zebra", "zserv.api")]);
    await this.#daemons.start([
      this.#command("bgpd", "bgpd.vty"),
      this.#command("bfdd", "bfdd.vty", "--bfdctl", join(this.#folder, "bfdd.sock")),
      this.#command("staticd", "staticd.vty"),
    ]);
    // Says which NOTIFICATIONs come and go, whatever the profile's defaults.
    await this.#ask("bgpd", "debug bgp neighbor-events");
    const outcome = await tryRun("ip", this.#vtysh("-b"));
    const complaints = `${outcome.stdout}${outcome.stderr}`.trim();
    if (outcome.code === 0 && !/^line \d+:/m.test(complaints)) return;
    throw new Error(`${this.#options.name} does not take its frr.conf: ${complaints}`);
  }

  #vtysh(...args: readonly string[]): readonly string[] {
    const { namespace } = this.#options;
    return ["netns", "exec", namespace, "vtysh", "--vty_socket", this.#folder, "--config_dir", this.#folder, ...args];
  }

  #ask(daemon: string, command: string): Promise<string> {
    return askDaemon(join(this.#folder, `${daemon}.vty`), command);
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

  async neighbors(): Promise<readonly BgpNeighbor[]> {
    if (!this.#daemons.run) return [];
    return neighborsIn(await this.#ask("bgpd", "show bgp neighbors json"), this.#options.nodeOf, this.#notifications);
  }

  async paths(prefix?: string): Promise<readonly BgpPath[]> {
    if (!this.#daemons.run) return [];
    const show = async (family: string, one: string): Promise<readonly BgpPath[]> =>
      pathsIn(await this.#ask("bgpd", `show bgp ${family} unicast ${one} json`), this.#options.nodeOf);
    if (prefix !== undefined) return show(prefix.includes(":") ? "ipv6" : "ipv4", prefix);
    const tables = FAMILIES.map(async (family) => {
      const prefixes = prefixesIn(await this.#ask("bgpd", `show bgp ${family} unicast json`));
      return (await Promise.all(prefixes.map((each) => show(family, each)))).flat();
    });
    return (await Promise.all(tables)).flat();
  }

  async bfdPeers(): Promise<readonly BfdPeer[]> {
    if (!this.#daemons.run) return [];
    const peers = await this.#ask("bfdd", "show bfd peers json");
    return bfdPeersIn(peers, await this.#ask("bfdd", "show bfd peers counters json"), this.#options.nodeOf);
  }

  async configure(lines: readonly string[]): Promise<void> {
    const commands = ["configure terminal", ...lines].flatMap((line) => ["-c", line]);
    const { code, stdout, stderr } = await tryRun("ip", this.#vtysh(...commands));
    const complaints = `${stdout}${stderr}`.split("\n").filter((line) => line.startsWith("%"));
    if (code !== 0 || complaints.length > 0) {
      throw new Error(
        `${this.#options.name} does not take "${lines.join("; ")}": ${complaints.join("; ") || `exit code ${code}`}`,
      );
    }
    // frr.conf as it stands now, for the next start.
    await run("ip", this.#vtysh("-w"));
  }

  /** What vtysh answers to a command. */
  show(command: string): Promise<string> {
    return run("ip", this.#vtysh("-c", command));
  }

  async clear(neighbor: Ip, how: "hard" | "soft"): Promise<void> {
    await this.#ask("bgpd", `clear bgp ${neighbor}${how === "soft" ? " soft in" : ""}`);
  }
}
