import { type Mac } from "../../../impl/wire/mac.ts";
import { parseInterfaceAddress } from "../../../impl/wire/prefix.ts";
import { type Ending, type LinkChange, type NodeControl } from "../../world.ts";
import { setCarrier, silence } from "./cables.ts";
import { type NetnsCluster, type NodeSlots } from "./cluster.ts";
import { ipBatch, run } from "./command.ts";
import { ending } from "../ending.ts";

export class NetnsNode implements NodeControl {
  readonly name: string;
  readonly #cluster: NetnsCluster;

  constructor(cluster: NetnsCluster, name: string) {
    this.name = name;
    this.#cluster = cluster;
  }

  get macs(): ReadonlyMap<string, Mac> {
    const own = [...this.#cluster.macs].filter(([, { station }]) => station === this.name);
    return new Map(own.map(([mac, { link }]) => [link, mac]));
  }

  get #slots(): NodeSlots {
    return this.#cluster.node(this.name);
  }

  get #namespace(): string {
    return this.#cluster.network.namespace(this.name);
  }

  async crashSpeaker(): Promise<void> {
    this.#cluster.disturb(`${this.name}: speaker killed`);
    await this.#slots.speaker.kill();
  }

  async stopSpeaker(): Promise<void> {
    this.#cluster.disturb(`${this.name}: speaker stopped`);
    this.#slots.speaker.stop();
  }

  async startSpeaker(): Promise<void> {
    this.#cluster.disturb(`${this.name}: speaker started`);
    await this.#cluster.startDaemon(this.#slots.speaker);
  }

  async pauseSpeaker(): Promise<Ending> {
    const fault = this.#cluster.lasting(`${this.name}: speaker paused`);
    const resume = this.#slots.speaker.pause();
    return ending(() => {
      resume();
      fault();
    });
  }

  async #silence(silent: boolean): Promise<void> {
    await silence(this.#cluster.network, this.name, silent);
  }

  async powerOff(): Promise<Ending> {
    const fault = this.#cluster.lasting(`${this.name}: no power`);
    await this.#silence(true);
    const { speaker, agent } = this.#slots;
    await Promise.all([speaker.kill(), agent.kill()]);
    this.#cluster.setNodeAlive(this.name, false);
    return ending(async () => {
      // A machine that boots knows nobody.
      await run("ip", ["-n", this.#namespace, "neigh", "flush", "all"]);
      await this.#silence(false);
      agent.start();
      this.#cluster.setNodeAlive(this.name, true);
      await Promise.all([this.#cluster.programNode(this.name), this.#cluster.startDaemon(speaker)]);
      fault();
    });
  }

  async hangKernel(): Promise<Ending> {
    const fault = this.#cluster.lasting(`${this.name}: kernel hangs`);
    await this.#silence(true);
    const resume = [this.#slots.speaker.pause(), this.#slots.agent.pause()];
    this.#cluster.setNodeAlive(this.name, false);
    return ending(async () => {
      await this.#silence(false);
      this.#cluster.setNodeAlive(this.name, true);
      for (const goOn of resume) goOn();
      fault();
    });
  }

  async linkDown(link: string): Promise<Ending> {
    const { network } = this.#cluster;
    const fault = this.#cluster.lasting(`${this.name}: ${link} has no carrier`);
    await setCarrier(network, this.name, link, false);
    return ending(async () => {
      await setCarrier(network, this.name, link, true);
      fault();
    });
  }

  async setLink(link: string, change: LinkChange): Promise<void> {
    this.#cluster.disturb(`${this.name}: ${link} changed`);
    const { up, noArp, mac, addAddress, removeAddress } = change;
    if (mac !== undefined) this.#cluster.macs.set(mac, { station: this.name, link });
    const address = (text: string, station: string | undefined): string => {
      const { ip, length } = parseInterfaceAddress(text);
      this.#cluster.moveAddress(ip, station);
      return `${ip}/${length} dev ${link}`;
    };
    await ipBatch(this.#namespace, [
      ...(mac === undefined ? [] : [`link set ${link} address ${mac}`]),
      ...(noArp === undefined ? [] : [`link set ${link} arp ${noArp ? "off" : "on"}`]),
      ...(up === undefined ? [] : [`link set ${link} ${up ? "up" : "down"}`]),
      ...(addAddress === undefined ? [] : [`address add ${address(addAddress, this.name)}`]),
      ...(removeAddress === undefined ? [] : [`address del ${address(removeAddress, undefined)}`]),
    ]);
  }

  stepClock(): Promise<void> {
    return Promise.reject(new Error("namespaces share one clock"));
  }

  driftClock(): Promise<Ending> {
    return Promise.reject(new Error("namespaces share one clock"));
  }

  async cutFromApi(): Promise<Ending> {
    const fault = this.#cluster.lasting(`${this.name}: no API server`);
    const heal = this.#cluster.apiLinks(this.#slots.speaker.name, (link) =>
      link.fault({ kind: "outage", how: "silent" }),
    );
    return ending(() => {
      heal();
      fault();
    });
  }

  metric(series: string): Promise<number | undefined> {
    return this.#slots.speaker.metric(series);
  }

  members(): Promise<readonly string[]> {
    return this.#slots.speaker.view<readonly string[]>("members").catch(() => []);
  }

  resources(): Promise<Readonly<Record<string, number>>> {
    return Promise.reject(new Error("this driver does not look into processes"));
  }
}
