import { describe, expect, it } from "vitest";
import { type Micros, micros } from "../../impl/wire/time.ts";
import { type Piece, TcpSender } from "./tcp-sender.ts";

const NOW = 0 as Micros;
const MSS = 100;

function sender(window: number, written: number): TcpSender {
  const made = new TcpSender(1000);
  made.openWindow(window, 1, 1000);
  made.write(new Uint8Array(written));
  return made;
}

const show = (piece: Piece | undefined): string | undefined =>
  piece && `${piece.sequence}+${piece.payload.length}${piece.push ? " push" : ""}${piece.fin ? " fin" : ""}`;

/** All that can be sent now. */
function flush(from: TcpSender, now = NOW): readonly string[] {
  const pieces: string[] = [];
  for (let piece = from.sendNext(MSS, now); piece !== undefined; piece = from.sendNext(MSS, now)) {
    pieces.push(show(piece) ?? "");
  }
  return pieces;
}

describe("sending", () => {
  it("cuts what was written into segments and puts FIN on the last", () => {
    const some = sender(1000, 250);
    some.finish();
    expect(flush(some)).toEqual(["1000+100", "1100+100", "1200+50 push fin"]);
    expect([some.inFlight, some.waiting, some.finAcknowledged]).toEqual([251, 0, false]);
    some.acknowledge(1251, true, NOW);
    expect([some.inFlight, some.waiting, some.finAcknowledged]).toEqual([0, 0, true]);
  });

  it("stops at the window, sends no crumbs while acknowledgements are to come, and then what fits", () => {
    const some = sender(150, 300);
    expect(flush(some)).toEqual(["1000+100"]);
    some.acknowledge(1100, true, NOW);
    some.updateWindow(50, 1, 1100);
    expect(flush(some)).toEqual(["1100+50"]);
    some.acknowledge(1150, true, NOW);
    expect(some.updateWindow(0, 1, 1150)).toBe(false);
    expect(flush(some)).toEqual([]);
    expect(some.updateWindow(1000, 1, 1150)).toBe(true);
    expect(flush(some)).toEqual(["1150+100", "1250+50 push"]);
  });

  it("does not let an older segment change the window", () => {
    const some = sender(1000, 0);
    some.updateWindow(500, 5, 1000);
    some.updateWindow(1, 4, 1000);
    some.updateWindow(2, 5, 999);
    expect(some.window).toBe(500);
    some.updateWindow(3, 5, 1000);
    expect(some.window).toBe(3);
  });

  it("goes on across 2^32", () => {
    const some = new TcpSender(0xffff_ffff);
    some.openWindow(1000, 1, 1);
    some.write(new Uint8Array(150));
    expect(flush(some)).toEqual(["4294967295+100", "99+50 push"]);
    expect(some.acknowledge(99, true, NOW).acknowledged).toBe(100);
    expect(show(some.repeatFirst(MSS))).toBe("99+50 push");
  });
});

describe("acknowledgements", () => {
  it("ask for a repair at the third duplicate, once", () => {
    const some = sender(1000, 500);
    flush(some);
    const repairs = Array.from({ length: 5 }, () => {
      const { repair } = some.acknowledge(1000, true, NOW);
      if (repair) some.repeatFirst(MSS);
      return repair;
    });
    expect(repairs).toEqual([false, false, true, false, false]);
  });

  it("are no duplicates with data, or with nothing under way", () => {
    const some = sender(1000, 500);
    for (let count = 0; count < 5; count++) expect(some.acknowledge(1000, true, NOW).repair).toBe(false);
    flush(some);
    for (let count = 0; count < 5; count++) expect(some.acknowledge(1000, false, NOW).repair).toBe(false);
  });

  it("that are partial ask for the next repair, until all that was under way is acknowledged (RFC 6582)", () => {
    const some = sender(1000, 500);
    flush(some);
    expect(show(some.repeatFirst(MSS))).toBe("1000+100");
    expect(some.acknowledge(1200, true, NOW)).toMatchObject({ acknowledged: 200, repair: true });
    expect(show(some.repeatFirst(MSS))).toBe("1200+100");
    expect(some.acknowledge(1500, true, NOW)).toMatchObject({ acknowledged: 300, repair: false });
  });

  it("measure a round trip on one segment at a time, never on one sent again (RFC 6298 section 3)", () => {
    const some = sender(1000, 300);
    some.sendNext(MSS, NOW);
    some.sendNext(MSS, micros(10));
    expect(some.acknowledge(1100, true, micros(50)).roundTrip).toBe(50);
    expect(some.acknowledge(1200, true, micros(60)).roundTrip).toBeUndefined();
    some.sendNext(MSS, micros(70));
    some.repeatFirst(MSS);
    expect(some.acknowledge(1300, true, micros(90)).roundTrip).toBeUndefined();
  });
});
