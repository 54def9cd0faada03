import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KINDS } from "../kinds/registry.ts";
import { childPath, pathSteps } from "./path.ts";
import { boolean, choice, int64, integer, list, map, object, required, string } from "./schema.ts";
import { didYouMean } from "./spelling.ts";
import { applyDefaults, prune, withoutField } from "./structure.ts";
import { validate } from "./validate.ts";

const pet = object({
  name: required(string({ minLength: 1, maxLength: 5, pattern: "^[a-z]*$" })),
  age: integer({ format: "int32", minimum: 0, maximum: 30, default: 1 }),
  count: int64(),
  kind: choice(["cat", "dog"]),
  born: string({ format: "date-time" }),
  tame: boolean({ default: true }),
  toys: list(object({ type: required(string()) }), { minItems: 1, merge: ["type"] }),
  labels: map(string()),
});

const lines = (value: unknown) => validate(pet.node, value).map(({ path, what }) => `${path}: ${what}`);

describe("problems of a value", () => {
  it.each<readonly [string, unknown, readonly string[]]>([
    [
      "nothing wrong",
      { name: "tom", age: 3, count: 9223372036854775807n, toys: [{ type: "a" }], labels: { a: "b" } },
      [],
    ],
    ["no object", 7, [": must be an object, not the number 7"]],
    ["a missing field", {}, ["name: is required"]],
    ["null where something must be", { name: null }, ["name: is required"]],
    ["null where nothing must be", { name: "tom", age: null }, []],
    [
      "types",
      { name: 1, age: "3", tame: "yes", toys: {}, labels: [] },
      [
        "name: must be a string, not the number 1",
        'age: must be an integer, not the string "3"',
        'tame: must be true or false, not the string "yes"',
        "toys: must be a list, not an object",
        "labels: must be an object, not a list",
      ],
    ],
    [
      "limits",
      { name: "", age: 31, kind: "cow", toys: [] },
      [
        "name: must not be empty",
        "age: must be at most 30, not 31",
        'kind: must be one of cat, dog, not the string "cow"',
        "toys: must have at least 1 item",
      ],
    ],
    [
      "more limits",
      { name: "ABCDEF", age: -1, born: "yesterday" },
      [
        "name: must be at most 5 characters long",
        'name: must match ^[a-z]*$, the string "ABCDEF" does not',
        "age: must be at least 0, not -1",
        'born: must be a time such as 2026-01-31T12:00:00Z, not the string "yesterday"',
      ],
    ],
    ["a fraction", { name: "tom", age: 1.5 }, ["age: must be an integer, not the number 1.5"]],
    [
      "more than 64 bits",
      { name: "tom", count: 9223372036854775808n },
      ["count: must fit int64, 9223372036854775808 does not"],
    ],
    [
      "items",
      { name: "tom", toys: [{ type: "a" }, {}, { type: "a" }] },
      ["toys[1].type: is required", "toys[2]: repeats an earlier type"],
    ],
    ["a map", { name: "tom", labels: { "a.b/c": 1 } }, ['labels["a.b/c"]: must be a string, not the number 1']],
    [
      "unknown fields, last",
      { nmae: "tom", whatever: 1 },
      ["name: is required", 'nmae: unknown field "nmae", did you mean name?', 'whatever: unknown field "whatever"'],
    ],
  ])("%s", (_what, value, expected) => {
    expect(lines(value)).toEqual(expected);
  });

  it("say less about long texts", () => {
    const [problem] = lines({ name: "tom", age: "x".repeat(65_536) });
    expect(problem?.length).toBeLessThan(150);
  });
});

it("never throws, whatever a value is", () => {
  const schemas = KINDS.flatMap((kind) => kind.versions.map((version) => version.schema));
  fc.assert(
    fc.property(fc.constantFrom(...schemas), fc.jsonValue(), fc.jsonValue(), (node, spec, status) => {
      for (const value of [spec, { spec, status }]) {
        for (const problem of validate(node, value)) expect(problem.what).not.toBe("");
        expect(prune(node, prune(node, value))).toEqual(prune(node, value));
        applyDefaults(node, value);
      }
    }),
  );
});

describe("what the API server does to a value", () => {
  it("puts defaults where nothing or null is, at every depth but not into what is missing", () => {
    const outer = object({ inner: pet, pets: list(pet) });
    expect(applyDefaults(outer.node, { pets: [{ name: "tom", age: null }] })).toEqual({
      pets: [{ name: "tom", age: 1, tame: true }],
    });
  });

  it("drops what it does not know", () => {
    const value = { name: "tom", extra: 1, toys: [{ type: "a", extra: 1 }], labels: { any: "b" } };
    expect(prune(pet.node, value)).toEqual({ name: "tom", toys: [{ type: "a" }], labels: { any: "b" } });
  });
});

it("takes a field out, but no item of a list", () => {
  expect(withoutField({ a: [{ b: 1, c: 2 }] }, pathSteps("a[0].b"))).toEqual({ a: [{ c: 2 }] });
  expect(withoutField({ a: [1, 2] }, pathSteps("a[0]"))).toEqual({ a: [1, 2] });
  expect(withoutField({ a: 1 }, pathSteps("b.c"))).toEqual({ a: 1 });
});

it("reads the steps of every path that it writes", () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 4 }), (names) => {
      const path = names.reduce((above, name) => childPath(above, name), "");
      expect(pathSteps(path)).toEqual(names);
    }),
  );
  expect(pathSteps("spec.pools[3].labels")).toEqual(["spec", "pools", 3, "labels"]);
});

it.each([
  ["autoAsign", "autoAssign"],
  ["Addresses", "addresses"],
  ["adresses", "addresses"],
  ["x", undefined],
  ["somethingElse", undefined],
])("takes %s for %s", (name, meant) => {
  expect(didYouMean(name, ["addresses", "autoAssign", "avoidBuggyIPs"])).toBe(meant);
});
