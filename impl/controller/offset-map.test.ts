import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OffsetMap } from "./offset-map.ts";

describe("OffsetMap", () => {
  it("answers as a plain map does, whatever its size", () => {
    const history = fc.integer({ min: 0, max: 32 }).chain((bits) => {
      const limit = 2 ** bits - 1;
      const offset = fc.oneof(fc.integer({ min: 0, max: Math.min(limit, 70) }), fc.integer({ min: 0, max: limit }));
      return fc.tuple(fc.constant(bits), fc.array(fc.tuple(fc.boolean(), offset), { maxLength: 120 }));
    });
    fc.assert(
      fc.property(history, ([bits, steps]) => {
        const set = new OffsetMap<string>(bits);
        const model = new Set<number>();
        for (const [add, offset] of steps) {
          if (add) set.set(offset, `${offset}`);
          else set.delete(offset);
          if (add) model.add(offset);
          else model.delete(offset);
          let absent = 0;
          while (model.has(absent)) absent++;
          expect(set.firstAbsent()).toBe(absent < 2 ** bits ? absent : undefined);
          expect(set.get(offset)).toBe(add ? `${offset}` : undefined);
          const above = [...model].filter((member) => member >= offset);
          expect(set.next(offset)).toBe(above.length === 0 ? undefined : Math.min(...above));
          expect(set.empty).toBe(model.size === 0);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("never offers what is reserved", () => {
    const set = new OffsetMap<string>(6, (start) => (start === 0 ? 1 : start === 32 ? -1 << 31 : 0));
    const given: (number | undefined)[] = [];
    for (let offset = set.firstAbsent(); offset !== undefined; offset = set.firstAbsent()) {
      given.push(offset);
      set.set(offset, "");
    }
    expect(given).toEqual(Array.from({ length: 62 }, (_, index) => index + 1));
    set.delete(40);
    expect(set.firstAbsent()).toBe(40);
  });

  it("forgets what was reserved where a leaf served before", () => {
    const set = new OffsetMap<string>(10, (start) => (start === 0 ? 1 : 0));
    set.set(5, "");
    set.delete(5);
    set.set(33, "");
    for (let offset = 1; offset < 32; offset++) set.set(offset, "");
    expect(set.firstAbsent()).toBe(32);
  });
});
