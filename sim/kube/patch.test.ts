import { describe, expect, it } from "vitest";
import { ApiError } from "./api-error.ts";
import { jsonPatch, mergePatch, strategicMergePatch } from "./patch.ts";

describe("merge patch", () => {
  // RFC 7396 appendix A: original, patch, result.
  it.each([
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', "{}"],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', "null", "null"],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
    ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ])("%s with %s is %s", (original, patch, result) => {
    expect(mergePatch(JSON.parse(original), JSON.parse(patch))).toEqual(JSON.parse(result));
  });
});

describe("JSON patch", () => {
  // RFC 6902 appendix A.
  it.each([
    ["A.1", { foo: "bar" }, [{ op: "add", path: "/baz", value: "qux" }], { baz: "qux", foo: "bar" }],
    ["A.2", { foo: ["bar", "baz"] }, [{ op: "add", path: "/foo/1", value: "qux" }], { foo: ["bar", "qux", "baz"] }],
    ["A.3", { baz: "qux", foo: "bar" }, [{ op: "remove", path: "/baz" }], { foo: "bar" }],
    ["A.4", { foo: ["bar", "qux", "baz"] }, [{ op: "remove", path: "/foo/1" }], { foo: ["bar", "baz"] }],
    ["A.5", { baz: "qux", foo: "bar" }, [{ op: "replace", path: "/baz", value: "boo" }], { baz: "boo", foo: "bar" }],
    [
      "A.6",
      { foo: { bar: "baz", waldo: "fred" }, qux: { corge: "grault" } },
      [{ op: "move", from: "/foo/waldo", path: "/qux/thud" }],
      { foo: { bar: "baz" }, qux: { corge: "grault", thud: "fred" } },
    ],
    [
      "A.7",
      { foo: ["all", "grass", "cows", "eat"] },
      [{ op: "move", from: "/foo/1", path: "/foo/3" }],
      { foo: ["all", "cows", "eat", "grass"] },
    ],
    [
      "A.8",
      { baz: "qux", foo: ["a", 2, "c"] },
      [
        { op: "test", path: "/baz", value: "qux" },
        { op: "test", path: "/foo/1", value: 2 },
      ],
      { baz: "qux", foo: ["a", 2, "c"] },
    ],
    [
      "A.10",
      { foo: "bar" },
      [{ op: "add", path: "/child", value: { grandchild: {} } }],
      { foo: "bar", child: { grandchild: {} } },
    ],
    ["A.14", { "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: 10 }], { "/": 9, "~1": 10 }],
    [
      "A.16",
      { foo: ["bar"] },
      [{ op: "add", path: "/foo/-", value: ["abc", "def"] }],
      { foo: ["bar", ["abc", "def"]] },
    ],
  ])("%s", (_section, document, patch, result) => {
    expect(jsonPatch(document, patch)).toEqual(result);
  });

  it.each([
    ["A.9", { baz: "qux" }, [{ op: "test", path: "/baz", value: "bar" }]],
    ["A.12", { foo: "bar" }, [{ op: "add", path: "/baz/bat", value: "qux" }]],
    ["A.15", { "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: "10" }]],
    ["an index beyond the end", { foo: [1] }, [{ op: "add", path: "/foo/2", value: 2 }]],
    ["an index with a leading zero", { foo: [1, 2] }, [{ op: "remove", path: "/foo/01" }]],
    ["what is not there", { foo: 1 }, [{ op: "replace", path: "/bar", value: 1 }]],
    ["an unknown operation", { foo: 1 }, [{ op: "spin", path: "/foo" }]],
    ["what is no list", { foo: 1 }, { op: "add", path: "/a", value: 1 }],
  ])("refuses %s", (_what, document, patch) => {
    expect(() => jsonPatch(document, patch)).toThrow(ApiError);
  });
});

describe("strategic merge patch", () => {
  it("merges lists of built-in kinds by their keys", () => {
    const conditions = [
      { type: "Ready", status: "True" },
      { type: "NetworkUnavailable", status: "False" },
    ];
    const patch = { status: { conditions: [{ type: "NetworkUnavailable", status: "True" }] } };
    expect(strategicMergePatch({ status: { conditions } }, patch)).toEqual({
      status: { conditions: [conditions[0], { type: "NetworkUnavailable", status: "True" }] },
    });
  });

  it("obeys the directives delete and replace", () => {
    const ports = [{ port: 80 }, { port: 443 }];
    expect(strategicMergePatch({ ports }, { ports: [{ port: 80, $patch: "delete" }] })).toEqual({
      ports: [{ port: 443 }],
    });
    expect(strategicMergePatch({ a: { b: 1, c: 2 } }, { a: { $patch: "replace", b: 3 } })).toEqual({ a: { b: 3 } });
  });
});
