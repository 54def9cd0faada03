import { decodeEthernet, type Ethernet, encodeEthernet, type VlanTag } from "../../impl/wire/ethernet.ts";
import { BROADCAST, type Mac, parseMac } from "../../impl/wire/mac.ts";
import { plus, seconds } from "../../impl/wire/time.ts";
import { createWorld, type World } from "../create-world.ts";
import { type Cable, connect } from "./cable.ts";
import { Station } from "./station.ts";
import { Switch } from "./switch.ts";
import { type PortOptions } from "./switch-port.ts";
import { type SwitchProfile } from "./switch-profile.ts";

/** IEEE 802 local experimental EtherType 1. */
const EXPERIMENT = 0x88b5;
const MACS: Readonly<Record<string, Mac>> = {
  a: parseMac("02:00:00:00:00:0a"),
  b: parseMac("02:00:00:00:00:0b"),
  c: parseMac("02:00:00:00:00:0c"),
  d: parseMac("02:00:00:00:00:0d"),
  all: BROADCAST,
};
export const macOf = (name: string): Mac => MACS[name] ?? parseMac(name);

/** A switch with a station on each port; what they hear is noted as `station<tag`. */
export class Lan {
  readonly world: World;
  readonly sw: Switch;
  readonly cables = new Map<string, Cable>();
  readonly #stations = new Map<string, Station>();
  #heard: string[] = [];

  constructor(ports: Readonly<Record<string, PortOptions>>, profile?: SwitchProfile) {
    this.world = createWorld({ seed: "switch", capture: true });
    this.sw = new Switch(this.world, "sw", profile);
    for (const [name, options] of Object.entries(ports)) {
      const station = new Station(name, macOf(name), (frame) => this.#hear(name, frame));
      const cable = connect(
        this.world,
        { device: station, port: "eth0", name },
        { device: this.sw, port: `to-${name}`, name: "sw" },
      );
      station.plug(cable.a);
      this.sw.plug(`to-${name}`, cable.b, options);
      this.cables.set(name, cable);
      this.#stations.set(name, station);
    }
  }

  /** Sends one frame and says who heard it. */
  say(
    from: string,
    to: string,
    { as = from, length = 46, vlan }: { as?: string; length?: number; vlan?: VlanTag } = {},
  ): string {
    const payload = new Uint8Array(length);
    return this.send(from, { destination: macOf(to), source: macOf(as), etherType: EXPERIMENT, payload, vlan });
  }

  send(from: string, frame: Ethernet): string {
    this.#heard = [];
    this.#stations.get(from)?.send(encodeEthernet(frame));
    this.wait(0.001);
    return this.#heard.join(" ");
  }

  wait(duration: number): void {
    this.world.scheduler.advance(plus(this.world.scheduler.now, seconds(duration)));
  }

  until(time: number): void {
    this.world.scheduler.advance(seconds(time));
  }

  table(): string {
    return this.sw
      .table()
      .map(({ vlan, mac, port }) => `${vlan}/${mac.at(-1)}@${port}`)
      .join(" ");
  }

  events(): readonly string[] {
    return this.world.trace.lines().filter((line) => / sw (learned|moved|frozen|aged|flushed) /.test(line));
  }

  drops(): readonly string[] {
    return this.world.capture.frames().flatMap(({ comments }) => comments);
  }

  #hear(name: string, frame: Uint8Array): void {
    const { vlan, source } = decodeEthernet(frame);
    // Queries are of the switch itself and come whenever they come.
    if (!Object.values(MACS).includes(source)) return;
    const priority = vlan === undefined || vlan.priority === 0 ? "" : `p${vlan.priority}`;
    this.#heard.push(vlan === undefined ? name : `${name}<${vlan.id}${priority}`);
  }
}

export const PLAIN = { a: {}, b: {}, c: {} };
