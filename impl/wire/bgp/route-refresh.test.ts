import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex } from "../golden/hex.ts";
import { BgpError } from "./bgp-error.ts";
import { decodeRouteRefresh, encodeRouteRefresh, type RouteRefresh } from "./route-refresh.ts";

const MARKER = "ff".repeat(16);

const GOLDEN: readonly (readonly [string, string, RouteRefresh])[] = [
  ["a request of FRR 8.4.4", "0001 00 01", { kind: "routeRefresh", afi: 1, subtype: "request", safi: 1 }],
  [
    "what BIRD 2.0.12 sends first",
    "0001 01 01",
    { kind: "routeRefresh", afi: 1, subtype: "beginningOfRefresh", safi: 1 },
  ],
  ["what BIRD 2.0.12 sends last", "0001 02 01", { kind: "routeRefresh", afi: 1, subtype: "endOfRefresh", safi: 1 }],
  ["a subtype that nobody defined", "0002 ff 85", { kind: "routeRefresh", afi: 2, subtype: 255, safi: 133 }],
];

describe("ROUTE-REFRESH", () => {
  it.each(GOLDEN)("is %s", (_name, body, value) => {
    const bytes = hex(`${MARKER} 0017 05 ${body}`);
    expect(encodeRouteRefresh(value)).toEqual(bytes);
    expect(decodeRouteRefresh(bytes)).toEqual(value);
  });

  it.each([0, 3, 5, 4077])("with %i bytes is answered with itself (RFC 7313 section 5)", (length) => {
    const bytes = hex(`${MARKER} ${(length + 19).toString(16).padStart(4, "0")} 05 ${"00".repeat(length)}`);
    const error = new BgpError(
      "bgp.routeRefresh",
      `has ${length + 19} bytes`,
      { code: 7, subcode: 1, name: "" },
      bytes.subarray(0, 4075),
    );
    expect(caught(bytes)).toEqual(error);
    expect(caught(bytes)).toMatchObject({ code: 7, subcode: 1, data: error.data });
  });

  it("reads back what it wrote", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    const subtype = fc.oneof(
      fc.constantFrom("request" as const, "beginningOfRefresh" as const, "endOfRefresh" as const),
      fc.integer({ min: 3, max: 255 }),
    );
    const any = fc.record({
      kind: fc.constant("routeRefresh" as const),
      afi: fc.integer({ min: 0, max: 0xffff }),
      subtype,
      safi: byte,
    });
    fc.assert(
      fc.property(any, (value) => {
        expect(decodeRouteRefresh(encodeRouteRefresh(value))).toEqual(value);
      }),
    );
  });
});

function caught(bytes: Uint8Array): unknown {
  try {
    return decodeRouteRefresh(bytes);
  } catch (error) {
    return error;
  }
}
