import { describe, expect, it } from "vitest";
import { parseIp } from "../../wire/ip.ts";
import { micros, millis, seconds } from "../../wire/time.ts";
import { Bursts } from "./bursts.ts";

const ips = ["a", "b", "c", "d", "e"].map((digit) => parseIp(`2001:db8::${digit}`));

/** Each round until none is left: when, and the last digits of the addresses in their order. */
function rounds(bursts: Bursts): readonly string[] {
  const seen: string[] = [];
  for (let at = bursts.deadline(); at !== undefined; at = bursts.deadline()) {
    const due = bursts.due(at).map((ip) => ip.slice(-1));
    seen.push(`${at / 1e6} ${due.join("")}`);
  }
  return seen;
}

describe("a burst of announcements", () => {
  it("begins each round with another address, so that a limit does not always strike the same ones", () => {
    const bursts = new Bursts();
    expect(ips.map((ip) => bursts.start(ip, seconds(0)))).toEqual([true, true, true, true, true]);
    expect(rounds(bursts)).toEqual(["1.1 bcdea", "2.2 cdeab", "3.3 deabc", "4.4 eabcd", "5.5 "]);
  });

  it("begins anew after it is over", () => {
    const bursts = new Bursts();
    for (const ip of ips) bursts.start(ip, seconds(0));
    rounds(bursts);
    for (const ip of ips) bursts.start(ip, seconds(10));
    expect(rounds(bursts)[0]).toBe("11.1 bcdea");
  });

  it("does not make up for rounds that were slept through", () => {
    const bursts = new Bursts();
    bursts.start(ips[0] ?? parseIp("::1"), micros(0));
    expect(bursts.due(seconds(4))).toHaveLength(1);
    expect(bursts.deadline()).toBe(millis(5100));
  });
});
