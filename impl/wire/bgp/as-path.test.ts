import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex } from "../golden/hex.ts";
import { Reader } from "../reader.ts";
import { Writer } from "../writer.ts";
import {
  type AsPath,
  type AsSize,
  as4PathFor,
  asPathLength,
  mergeAs4Path,
  pathOf,
  readAsPath,
  writeAsPath,
} from "./as-path.ts";
import { pathInWords } from "./golden/in-words.ts";

function written(path: AsPath, size: AsSize): Uint8Array {
  const writer = new Writer();
  writeAsPath(writer, path, size);
  return writer.finish();
}

const read = (bytes: Uint8Array, size: AsSize): AsPath => readAsPath(new Reader(bytes, "asPath"), size);

/** A path in words: `1 2 {3, 4} (5) [6, 7]`. */
function path(words: string): AsPath {
  return words
    .matchAll(/\{([^}]*)\}|\(([^)]*)\)|\[([^\]]*)\]|(\d+(?: \d+)*)/g)
    .map(([, set, confedSequence, confedSet, sequence]) => {
      const numbers = (set ?? confedSequence ?? confedSet ?? sequence ?? "").split(/[ ,]+/).map(Number);
      const kind = set ? "set" : confedSequence ? "confedSequence" : confedSet ? "confedSet" : "sequence";
      return { kind, asns: numbers } as const;
    })
    .toArray();
}

describe("AS_PATH", () => {
  it("is written with two and with four bytes a number", () => {
    const given = path("64512 4200000001 {1, 2} (3) [4, 5]");
    expect(written(given, 4)).toEqual(
      hex("02 02 0000fc00 fa56ea01 01 02 00000001 00000002 03 01 00000003 04 02 00000004 00000005"),
    );
    expect(written(given, 2)).toEqual(hex("02 02 fc00 5ba0 01 02 0001 0002 03 01 0003 04 02 0004 0005"));
  });

  it("is empty within the AS it began in", () => {
    expect(pathOf()).toEqual([]);
    expect(written(pathOf(), 4)).toEqual(hex(""));
    expect(written(pathOf(64512, 64512), 2)).toEqual(hex("02 02 fc00 fc00"));
  });

  it("is cut into segments of 255 numbers", () => {
    const numbers = Array.from({ length: 600 }, (_, index) => index + 1);
    const back = read(written(pathOf(...numbers), 4), 4);
    expect(back.map(({ kind, asns }) => `${asns.length} in a ${kind}`)).toEqual([
      "255 in a sequence",
      "255 in a sequence",
      "90 in a sequence",
    ]);
    expect(back.flatMap(({ asns }) => asns)).toEqual(numbers);
  });

  it("counts a set as one and confederations as nothing", () => {
    expect(asPathLength(path("1 2 {3, 4, 5} (6 7) [8, 9] 10"))).toBe(4);
  });

  /** RFC 6793 section 4.2.3. The first two are what FRR sent through a speaker of two bytes. */
  const merges: readonly (readonly [string, string, string, string])[] = [
    [
      "all of it new",
      "23456 23456 23456 65000",
      "4200000002 4200000009 23456 65000",
      "4200000002 4200000009 23456 65000",
    ],
    ["an old speaker in front", "64513 23456 23456", "4200000002 4200000009", "64513 4200000002 4200000009"],
    ["a path that is longer than the old one", "23456", "4200000002 4200000009", "23456"],
    [
      "a set behind the old speaker",
      "64513 23456 {23456, 2}",
      "4200000002 {4200000009, 2}",
      "64513 4200000002 {4200000009, 2}",
    ],
    ["a set in front", "{1, 2} 23456", "4200000002", "{1, 2} 4200000002"],
    ["a set and an old speaker in front", "{1, 2} 3 23456", "4200000002", "{1, 2} 3 4200000002"],
    ["nothing new", "1 2", "", "1 2"],
    ["a confederation in front", "(65001 65002) 64513 23456", "4200000002", "(65001 65002) 64513 4200000002"],
  ];
  it.each(merges)("is completed by AS4_PATH with %s", (_name, old, new4, merged) => {
    expect(pathInWords(mergeAs4Path(path(old), path(new4)))).toBe(merged);
  });

  it("needs AS4_PATH for numbers that two bytes do not hold, without confederations", () => {
    expect(as4PathFor(path("64512 65535"))).toBe(undefined);
    expect(as4PathFor(path("(65001) 64512 65536"))).toEqual(path("64512 65536"));
  });

  const anyPath = fc.array(
    fc.record({
      kind: fc.constantFrom("set" as const, "sequence" as const, "confedSequence" as const, "confedSet" as const),
      asns: fc.array(fc.integer({ min: 1, max: 0xffffffff }), { minLength: 1, maxLength: 300 }),
    }),
    { maxLength: 4 },
  );

  it("reads back what it wrote", () => {
    const short = anyPath.filter((value) => value.every(({ asns }) => asns.length <= 255));
    fc.assert(
      fc.property(short, (value) => {
        expect(read(written(value, 4), 4)).toEqual(value);
      }),
    );
  });

  it("comes through a speaker of two bytes as it was", () => {
    const plain = fc
      .array(fc.integer({ min: 1, max: 0xffffffff }), { minLength: 1, maxLength: 50 })
      .map((asns) => pathOf(...asns));
    fc.assert(
      fc.property(plain, (value) => {
        const old = read(written(value, 2), 2);
        const as4 = as4PathFor(value);
        expect(as4 === undefined ? old : mergeAs4Path(old, as4)).toEqual(value);
      }),
    );
  });
});
