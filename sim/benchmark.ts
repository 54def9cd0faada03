// How fast the simulator's own parts are: work to be timed by a caller that has a clock.
import { encodeEthernet } from "../impl/wire/ethernet.ts";
import { macFromBytes } from "../impl/wire/mac.ts";
import { micros, seconds } from "../impl/wire/time.ts";
import { createWorld } from "./create-world.ts";
import { connect } from "./ethernet/cable.ts";
import { Station } from "./ethernet/station.ts";
import { Switch } from "./ethernet/switch.ts";
import { EventQueue } from "./scheduler.ts";

/** IEEE 802 local experimental EtherType 1. */
const EXPERIMENT = 0x88b5;

/** Runs `count` events, with `pending` others in the queue all the time. */
export function runEvents(count: number, pending = 1000): void {
  const queue = new EventQueue();
  let left = count;
  for (let index = 0; index < pending; index++) {
    const again = (): void => {
      if (--left > 0) queue.after(micros(1 + ((index * 7919) % 997)), again);
    };
    again();
  }
  queue.advance(seconds(1e9));
}

/** Sends at least `count` unicast frames through a switch that knows its `stations`; returns how many arrived. */
export function runFrames(count: number, stations = 100): number {
  const world = createWorld({ seed: "benchmark" });
  const sw = new Switch(world, "sw");
  let arrived = 0;
  const all = Array.from({ length: stations }, (_, index) => {
    const mac = macFromBytes(Uint8Array.of(2, 0, 0, 0, index >>> 8, index));
    const station = new Station(`n${index}`, mac, () => arrived++);
    const socket = { device: station, port: "eth0", name: station.name };
    const cable = connect(world, socket, { device: sw, port: station.name, name: "sw" });
    station.plug(cable.a);
    sw.plug(station.name, cable.b);
    return station;
  });
  const frames = all.map(({ mac }, index) => {
    const destination = all[(index + 1) % stations]?.mac ?? mac;
    return encodeEthernet({ destination, source: mac, etherType: EXPERIMENT, payload: new Uint8Array(100) });
  });
  const round = (): void => {
    for (const [index, frame] of frames.entries()) all[index]?.send(frame);
    world.scheduler.advance(micros(world.scheduler.now + 1000));
  };
  round();
  arrived = 0;
  for (let sent = 0; sent < count; sent += stations) round();
  return arrived;
}
