// Routers on one switch, for the tests of what they do with each other.
import { type Mac, parseMac } from "../../impl/wire/mac.ts";
import { plus, seconds } from "../../impl/wire/time.ts";
import { createWorld, type World } from "../create-world.ts";
import { type Cable, connect } from "../ethernet/cable.ts";
import { Switch } from "../ethernet/switch.ts";
import { Host } from "../host/host.ts";
import { type RouterConfig } from "./config/model.ts";
import { readFrrConfig } from "./config/read.ts";
import { Router } from "./router.ts";
import { type RouterProfile } from "./profile.ts";

export function frrConfig(text: string): RouterConfig {
  const result = readFrrConfig(text);
  if ("problems" in result) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

const macOf = (number: number): Mac => parseMac(`02:00:00:00:00:${number.toString(16).padStart(2, "0")}`);

/** Hosts with an interface each on the switch: `10.0.0.N/24` and `2001:db8::N/64`, N counting from 1. */
export class TestNetwork {
  readonly world: World;
  readonly hosts = new Map<string, Host>();
  readonly routers = new Map<string, Router>();
  readonly cables = new Map<string, Cable>();
  readonly #switch: Switch;
  #taken = 0;

  constructor(seed = "routers") {
    this.world = createWorld({ seed, capture: true, lines: Number.POSITIVE_INFINITY });
    this.#switch = new Switch(this.world, "sw");
  }

  host(name: string): Host {
    const known = this.hosts.get(name);
    if (known !== undefined) return known;
    const number = this.hosts.size + 1;
    const host = new Host(this.world, { name });
    host.addInterface({ name: "eth1", mac: macOf(number) });
    host.addAddress("eth1", `10.0.0.${number}/24`);
    host.addAddress("eth1", `2001:db8::${number.toString(16)}/64`);
    const device = host.device("eth1");
    if (device === undefined) throw new Error("no device");
    const port = { device: this.#switch, port: `to-${name}`, name: "sw" };
    const cable = connect(this.world, { device, port: "eth1", name }, port);
    host.plug("eth1", cable.a);
    this.#switch.plug(`to-${name}`, cable.b);
    this.hosts.set(name, host);
    this.cables.set(name, cable);
    return host;
  }

  /** A router with the statements of an frr.conf; it is started. */
  router(name: string, config: string, profile: RouterProfile = "frr"): Router {
    const router = new Router(this.world, this.host(name), frrConfig(config), profile);
    this.routers.set(name, router);
    router.start();
    return router;
  }

  run(duration: number): this {
    this.world.scheduler.advance(plus(this.world.scheduler.now, seconds(duration)));
    return this;
  }

  /** What the routers wrote of these kinds since the last call, with whole milliseconds. */
  take(...kinds: readonly string[]): readonly string[] {
    const all = this.world.trace.lines();
    const fresh = all.slice(this.#taken);
    this.#taken = all.length;
    return fresh
      .map((line) => line.split(" "))
      .filter(([, , what]) => kinds.includes(what ?? ""))
      .map(([at, ...words]) => `${Number(at).toFixed(3)} ${words.join(" ")}`);
  }
}
