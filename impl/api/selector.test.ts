// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
import { describe, expect, it } from "vitest";
import { ConfigError } from "../wire/errors.ts";
import { type LabelSelector, type LabelSelectorRequirement } from "./kubernetes.ts";
import { compileSelector, matches } from "./selector.ts";

const expression = (key: string, operator: string, ...values: readonly string[]): LabelSelectorRequirement =>
  values.length === 0 ? { key, operator } : { key, operator, values };
const expressions = (...matchExpressions: readonly LabelSelectorRequirement[]): LabelSelector => ({ matchExpressions });

const WEB = { app: "web", tier: "front", empty: "" };

describe("matching {app: web, tier: front, empty: ''}", () => {
  it.each<readonly [LabelSelector, boolean]>([
    [{}, true],
    [{ matchLabels: {} }, true],
    [{ matchLabels: { app: "web" } }, true],
    [{ matchLabels: { app: "web", tier: "back" } }, false],
    [{ matchLabels: { empty: "" } }, true],
    [{ matchLabels: { absent: "" } }, false],
    [expressions(expression("app", "In", "db", "web")), true],
    [expressions(expression("app", "In", "db")), false],
    [expressions(expression("absent", "In", "web")), false],
    [expressions(expression("app", "NotIn", "db")), true],
    [expressions(expression("app", "NotIn", "db", "web")), false],
    [expressions(expression("absent", "NotIn", "web")), true],
    [expressions(expression("empty", "Exists")), true],
    [expressions(expression("absent", "Exists")), false],
    [expressions(expression("absent", "DoesNotExist")), true],
    [expressions(expression("app", "DoesNotExist")), false],
    [expressions(expression("app", "Exists"), expression("tier", "In", "back")), false],
    [{ matchLabels: { app: "web" }, ...expressions(expression("tier", "Exists")) }, true],
    [expressions(expression("toString", "Exists")), false],
    [expressions(expression("constructor", "DoesNotExist")), true],
  ])("%o: %s", (selector, expected) => {
    expect(matches(compileSelector(selector, "s"), WEB)).toBe(expected);
  });
});

describe("the text of a selector", () => {
  it.each<readonly [LabelSelector, string]>([
    [{}, ""],
    [{ matchLabels: { tier: "a", app: "web" } }, "app=web,tier=a"],
    [expressions(expression("app", "In", "b", "a"), expression("app", "NotIn", "c")), "app in (a,b),app notin (c)"],
    [expressions(expression("old", "DoesNotExist"), expression("app", "Exists")), "app,!old"],
  ])("of %o is %s", (selector, text) => {
    expect(compileSelector(selector, "s").text).toBe(text);
  });
});

describe("a selector is refused", () => {
  it.each<readonly [LabelSelector, string, string]>([
    [
      expressions(expression("a", "in", "b")),
      "s.matchExpressions[0].operator",
      '"in" is not a valid label selector operator',
    ],
    [expressions(expression("a", "In")), "s.matchExpressions[0].values", "operator In needs at least one value"],
    [expressions(expression("a", "NotIn")), "s.matchExpressions[0].values", "operator NotIn needs at least one value"],
    [expressions(expression("a", "Exists", "b")), "s.matchExpressions[0].values", "operator Exists takes no values"],
    [
      expressions(expression("a", "DoesNotExist", "b")),
      "s.matchExpressions[0].values",
      "operator DoesNotExist takes no values",
    ],
    [
      expressions(expression("-a", "Exists")),
      "s.matchExpressions[0].key",
      '"-a" is not a label key: the name must be 1 to 63 letters, digits, "-", "_" or "."',
    ],
    [
      expressions(expression("A.B/c", "Exists")),
      "s.matchExpressions[0].key",
      '"A.B/c" is not a label key: the prefix must be a DNS subdomain',
    ],
    [
      expressions(expression("a", "In", "ok", "not ok")),
      "s.matchExpressions[0].values[1]",
      '"not ok" is not a label value: at most 63 letters, digits, "-", "_" or "."',
    ],
    [
      { matchLabels: { a: "x".repeat(64) } },
      's.matchLabels["a"]',
      `"${"x".repeat(64)}" is not a label value: at most 63 letters, digits, "-", "_" or "."`,
    ],
  ])("%o", (selector, path, problem) => {
    expect(() => compileSelector(selector, "s")).toThrow(new ConfigError(path, problem));
  });
});
