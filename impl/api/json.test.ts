import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "../wire/errors.ts";
import { parseJson, stringifyJson } from "./json.ts";

describe("integers of 64 bits", () => {
  it.each([
    ["9223372036854775807", 9223372036854775807n],
    ["-9223372036854775808", -9223372036854775808n],
    ["9007199254740993", 9007199254740993n],
    ["9007199254740991", 9007199254740991],
    ["-0.5", -0.5],
    ["1e30", 1e30],
    ['"9223372036854775807"', "9223372036854775807"],
  ])("reads %s and writes it back", (text, value) => {
    expect(parseJson(`{"status":{"availableIPv6":${text}}}`)).toEqual({ status: { availableIPv6: value } });
    if (text !== "1e30") expect(stringifyJson({ a: [value] })).toBe(`{"a":[${text}]}`);
  });
});

it("agrees with JSON where no integer is large", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(stringifyJson(parseJson(text))).toBe(JSON.stringify(JSON.parse(text)));
    }),
  );
});

it("names what is no JSON", () => {
  expect(() => parseJson("{", "body")).toThrow(DecodeError);
  expect(() => parseJson("{", "body")).toThrow(/^body is not JSON: /);
});
