import { describe, expect, it } from "vitest";
import { type Ipv6, parseIpv6 } from "../../wire/ip.ts";
import { GroupMemberships } from "./groups.ts";

const ADD = 20;
const ETH1 = { index: 7 };
const group = (number: number): Ipv6 => parseIpv6(`ff02::1:ff00:${number.toString(16)}`);

/** Sockets that hold `room` memberships each, as net.core.optmem_max makes them; writes down what they are asked. */
class Sockets {
  readonly trace: string[] = [];
  readonly #room: number;
  readonly #held: number[] = [];
  refusal: string | undefined;

  constructor(room: number) {
    this.#room = room;
  }

  socket(domain: number, type: number): number {
    this.trace.push(`socket ${domain} ${type}`);
    return this.#held.push(0) - 1;
  }

  setsockopt(fd: number, _: number, option: number, value: number | Buffer): void {
    const verb = option === ADD ? "join" : "leave";
    const bytes = Buffer.isBuffer(value) ? value : Buffer.alloc(20);
    const held = this.#held[fd] ?? 0;
    const error = this.refusal ?? (option === ADD && held >= this.#room ? "ENOBUFS" : undefined);
    this.trace.push(
      `${fd} ${verb} ${bytes.readUInt8(15)} on ${bytes.readInt32LE(16)}${error === undefined ? "" : ` ${error}`}`,
    );
    if (error !== undefined) throw Object.assign(new Error(`setsockopt ${error}`), { code: error });
    this.#held[fd] = held + (option === ADD ? 1 : -1);
  }

  close(fd: number): void {
    this.trace.push(`close ${fd}`);
  }
}

describe("group memberships", () => {
  it("take another socket where one is full, and fill the hole that a leaving group left", () => {
    const sockets = new Sockets(2);
    const groups = new GroupMemberships(sockets);
    for (const number of [1, 2, 3, 3]) groups.join(ETH1, group(number));
    groups.leave(ETH1, group(1));
    groups.leave(ETH1, group(9));
    groups.join(ETH1, group(4));
    groups[Symbol.dispose]();
    expect(sockets.trace).toEqual([
      "socket 10 2",
      "0 join 1 on 7",
      "0 join 2 on 7",
      "0 join 3 on 7 ENOBUFS",
      "socket 10 2",
      "1 join 3 on 7",
      "0 leave 1 on 7",
      "0 join 4 on 7",
      "close 0",
      "close 1",
    ]);
  });

  it("pass on what is wrong with an interface, without a socket left over", () => {
    const sockets = new Sockets(2);
    const groups = new GroupMemberships(sockets);
    sockets.refusal = "ENODEV";
    expect(() => groups.join(ETH1, group(1))).toThrow("ENODEV");
    sockets.refusal = undefined;
    groups.join(ETH1, group(1));
    expect(sockets.trace).toEqual(["socket 10 2", "0 join 1 on 7 ENODEV", "close 0", "socket 10 2", "1 join 1 on 7"]);
  });

  it("gives back what is kept of interfaces that are gone, and nothing else", () => {
    const sockets = new Sockets(8);
    const memberships = new GroupMemberships(sockets);
    memberships.join(ETH1, group(1));
    memberships.join({ index: 9 }, group(2));
    sockets.trace.length = 0;
    memberships.keepOnly([ETH1]);
    memberships.keepOnly([ETH1]);
    expect(sockets.trace).toEqual(["0 leave 2 on 9"]);
  });
});
