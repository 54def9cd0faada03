import { describe, expect, it } from "vitest";
import { RECEIVE_BUFFER, TcpReceiver } from "./tcp-receiver.ts";

const bytes = (from: number, to: number): Uint8Array =>
  Uint8Array.from({ length: to - from }, (_, index) => from + index);

/** Takes the bytes `from` up to `to` of a stream whose byte n has the number n and the value n. */
function take(receiver: TcpReceiver, from: number, to: number, fin = false): void {
  receiver.take(from, bytes(from, to), fin);
}

describe("receiving", () => {
  it("puts pieces in order, and drops what it has", () => {
    const receiver = new TcpReceiver(0);
    for (const [from, to] of [
      [20, 30],
      [10, 20],
      [10, 15],
      [20, 25],
      [5, 25],
      [10, 20],
    ] as const)
      take(receiver, from, to);
    expect([receiver.next, receiver.unread]).toEqual([0, 0]);
    take(receiver, 0, 7);
    expect([...receiver.read()]).toEqual([...bytes(0, 30)]);
    take(receiver, 25, 35);
    expect([...receiver.read()]).toEqual([...bytes(30, 35)]);
    take(receiver, 5, 10);
    expect([receiver.next, receiver.unread]).toEqual([35, 0]);
  });

  it("keeps a copy of what is out of order", () => {
    const receiver = new TcpReceiver(0);
    const borrowed = bytes(2, 4);
    receiver.take(2, borrowed, false);
    borrowed.fill(0);
    take(receiver, 0, 2);
    expect([...receiver.read()]).toEqual([0, 1, 2, 3]);
  });

  it("has ended when FIN and everything before it came", () => {
    const receiver = new TcpReceiver(0);
    take(receiver, 2, 4, true);
    expect([receiver.ended, receiver.next]).toEqual([false, 0]);
    take(receiver, 0, 2);
    expect([receiver.ended, receiver.next]).toEqual([true, 5]);
  });

  it("takes no more than it has room for", () => {
    const receiver = new TcpReceiver(0);
    receiver.take(0, new Uint8Array(RECEIVE_BUFFER - 10), false);
    expect(receiver.offerWindow()).toBe(10);
    receiver.take(RECEIVE_BUFFER - 10, new Uint8Array(20), true);
    expect([receiver.next, receiver.ended, receiver.offerWindow()]).toEqual([RECEIVE_BUFFER, false, 0]);
  });

  it("tells of an opened window when half the buffer is free (RFC 9293 section 3.8.6.2.2)", () => {
    const receiver = new TcpReceiver(0);
    receiver.take(0, new Uint8Array(RECEIVE_BUFFER / 2 - 1), false);
    receiver.offerWindow();
    receiver.read();
    expect(receiver.windowIsWorthTelling).toBe(false);
    receiver.take(receiver.next, new Uint8Array(RECEIVE_BUFFER), false);
    receiver.offerWindow();
    receiver.read();
    expect(receiver.windowIsWorthTelling).toBe(true);
  });
});

// RFC 9293 section 3.10.7.4, table 6.
describe("a segment is acceptable", () => {
  it.each([
    ["empty, at RCV.NXT", 0, 0, true],
    ["empty, before it", -1, 0, false],
    ["empty, at the end of the window", RECEIVE_BUFFER - 1, 0, true],
    ["empty, beyond it", RECEIVE_BUFFER, 0, false],
    ["with data that begins in the window", RECEIVE_BUFFER - 1, 100, true],
    ["with data that ends in the window", -99, 100, true],
    ["with data before the window", -100, 100, false],
    ["with data beyond the window", RECEIVE_BUFFER, 1, false],
  ])("%s", (_name, offset, length, expected) => {
    expect(new TcpReceiver(1000).accepts((1000 + offset) >>> 0, length)).toBe(expected);
  });

  it("only where it is empty and exact while the window is closed", () => {
    const receiver = new TcpReceiver(0);
    receiver.take(0, new Uint8Array(RECEIVE_BUFFER), false);
    const next = RECEIVE_BUFFER;
    expect([receiver.accepts(next, 0), receiver.accepts(next, 1), receiver.accepts(next + 1, 0)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
