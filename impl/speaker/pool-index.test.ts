import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Ip, ipFromBigInt, parseIp } from "../wire/ip.ts";
import { PoolIndex } from "./pool-index.ts";
import { pool } from "./test-cluster.ts";
import { configOf } from "./test-speaker.ts";

const index = new PoolIndex(
  configOf(
    pool("blue", ["10.0.1.0/24", "2001:db8:1::/64"], []),
    pool("red", ["10.0.0.128/25", "10.0.3.7/32"], []),
    pool("green", ["2001:db8::/120"], []),
  ),
);

describe("the pool of an address", () => {
  it.each([
    ["10.0.0.127", undefined],
    ["10.0.0.128", "red"],
    ["10.0.0.255", "red"],
    ["10.0.1.0", "blue"],
    ["10.0.1.255", "blue"],
    ["10.0.2.0", undefined],
    ["10.0.3.6", undefined],
    ["10.0.3.7", "red"],
    ["10.0.3.8", undefined],
    ["2001:db8::ff", "green"],
    ["2001:db8::100", undefined],
    ["2001:db8:1::ffff", "blue"],
    ["255.255.255.255", undefined],
    ["::", undefined],
  ])("%s is in %s", (ip, name) => {
    expect(index.poolOf(parseIp(ip))?.name).toBe(name);
  });

  it("is the same for all addresses of a Service, or there is none", () => {
    const poolOfAll = (...ips: readonly string[]) => index.poolOfAll(ips.map((ip) => parseIp(ip)))?.name;
    expect(poolOfAll("10.0.1.1", "2001:db8:1::1")).toBe("blue");
    expect(poolOfAll("10.0.1.1", "2001:db8::1")).toBe(undefined);
    expect(poolOfAll("10.0.1.1", "10.9.9.9")).toBe(undefined);
    expect(poolOfAll()).toBe(undefined);
  });

  it("is found in any set of pools that do not overlap", () => {
    const hosts = fc.uniqueArray(fc.nat(255), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(hosts, fc.nat(255), (numbers, asked) => {
        const address = (host: number): Ip => ipFromBigInt(BigInt(0x0a000000 + host), "ipv4");
        const pools = numbers.map((host) => pool(`p${host}`, [`${address(host)}/32`], []));
        const found = new PoolIndex(configOf(...pools)).poolOf(address(asked))?.name;
        expect(found).toBe(numbers.includes(asked) ? `p${asked}` : undefined);
      }),
    );
  });
});
