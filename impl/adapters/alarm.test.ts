import { createSocket } from "node:dgram";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { millis, plus } from "../wire/time.ts";
import { Alarm, instant } from "./alarm.ts";

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe("the alarm of a process", () => {
  it("that was kept from running rings after what arrived meanwhile, if it still has to", async () => {
    const [receiver, sender] = [createSocket("udp4"), createSocket("udp4")];
    const { promise, resolve } = Promise.withResolvers<void>();
    const order: string[] = [];
    using alarm = new Alarm(() => {
      order.push("alarm");
      resolve();
    });
    receiver.on("message", () => {
      order.push("datagram");
      alarm.arm(plus(instant().monotonic, millis(1)));
    });
    receiver.bind(0, "127.0.0.1");
    await once(receiver, "listening");
    await new Promise<void>((sent) => {
      sender.send("x", receiver.address().port, "127.0.0.1", () => sent());
      alarm.arm(plus(instant().monotonic, millis(5)));
      block(20);
    });
    await promise;
    receiver.close();
    sender.close();
    expect(order).toEqual(["datagram", "alarm"]);
  });
});
