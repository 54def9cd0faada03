import fc from "fast-check";
import { expect, it } from "vitest";
import { JsonLines } from "./json-lines.ts";

it("gives the same lines wherever the text is cut", () => {
  const line = fc.constantFrom(
    "1",
    "{}",
    `"é😀"`,
    `{"a":"\\n"}`,
    `{"type":"ADDED","object":{"metadata":{"name":"web"}}}`,
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), fc.array(fc.nat(80), { maxLength: 8 }), (lines, cuts) => {
      const text = lines.map((one) => `${one}\n`).join("");
      const at = [0, ...cuts.filter((cut) => cut < text.length).toSorted((a, b) => a - b), text.length];
      const splitter = new JsonLines();
      const pieces = at.slice(1).map((end, index) => text.slice(at[index], end));
      expect(pieces.flatMap((piece) => splitter.push(piece))).toEqual(lines);
    }),
  );
});

it("keeps back what has no end yet", () => {
  const splitter = new JsonLines();
  expect([splitter.push('{"a":'), splitter.push('1}\n{"b"'), splitter.push(":2}\n\n")]).toEqual([
    [],
    ['{"a":1}'],
    ['{"b":2}'],
  ]);
});
