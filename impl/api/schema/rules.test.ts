// Every rule is written twice, in CEL for the API server and in TypeScript for us; an independent CEL reads the former.
import { Environment } from "@marcbachmann/cel-js";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { KINDS } from "../kinds/registry.ts";
import { type Rule, type SchemaNode } from "./schema.ts";

function rulesOf(node: SchemaNode, path: string): readonly { readonly path: string; readonly rule: Rule }[] {
  const own = (node.rules ?? []).map((rule) => ({ path, rule }));
  switch (node.kind) {
    case "object":
      return [
        ...own,
        ...Object.entries(node.fields).flatMap(([name, field]) => rulesOf(field.node, `${path}.${name}`)),
      ];
    case "list":
      return [...own, ...rulesOf(node.items, `${path}[]`)];
    case "map":
      return [...own, ...rulesOf(node.values, `${path}{}`)];
    default:
      return own;
  }
}

const RULES = KINDS.flatMap((kind) =>
  kind.versions.flatMap((version) => rulesOf(version.schema, `${kind.kind}/${version.name}`)),
);

const VALUES: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  "BGPAdvertisement/v1beta1.spec": fc.record(
    {
      serviceSelectors: fc.array(fc.constant({ matchLabels: { app: "web" } }), { maxLength: 2 }),
      aggregationLength: fc.constantFrom(1, 24, 32),
      aggregationLengthV6: fc.constantFrom(64, 127, 128),
    },
    { requiredKeys: [] },
  ),
  "BGPPeer/v1beta2.spec.connectTime": fc.oneof(
    fc.integer({ min: 0, max: 70_000 }).map((count) => `${count}s`),
    fc.constantFrom("999ms", "1s", "1.5s", "1000ms", "65535s", "65535.5s", "65536s", "1m30s", "18h12m15s", "24h", "0s"),
  ),
  "BGPPeer/v1beta2.spec.enableGracefulRestart": fc.boolean(),
};

const text = fc.constantFrom("a", "b", "");

function evaluate(cel: string, self: unknown, oldSelf: unknown): unknown {
  return new Environment()
    .registerVariable("self", "dyn")
    .registerVariable("oldSelf", "dyn")
    .evaluate(cel, { self: withIntegers(self), oldSelf: withIntegers(oldSelf) });
}

/** CEL's integers are bigints there. */
function withIntegers(value: unknown): unknown {
  if (typeof value === "number") return BigInt(value);
  if (Array.isArray(value)) return value.map(withIntegers);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withIntegers(item)]));
}

it("finds every rule of every kind", () => {
  expect(RULES.map(({ path, rule }) => `${path}: ${rule.message}`)).toEqual([
    "BGPAdvertisement/v1beta1.spec: serviceSelectors and aggregationLength are mutually exclusive, an aggregate holds addresses of other Services",
    "BGPPeer/v1beta2.spec.connectTime: connect time should be between 1 seconds to 65535",
    "BGPPeer/v1beta2.spec.connectTime: connect time should contain a whole number of seconds",
    "BGPPeer/v1beta2.spec.enableGracefulRestart: EnableGracefulRestart cannot be changed after creation",
    ...["ServiceBGPStatus", "ServiceL2Status"].flatMap((kind) =>
      ["node", "serviceName", "serviceNamespace"].map((field) => `${kind}/v1beta1.status.${field}: Value is immutable`),
    ),
  ]);
});

it.each(RULES)("$path: $rule.cel says the same in both languages", ({ path, rule }) => {
  const values = VALUES[path] ?? text;
  const verdicts = new Set<boolean>();
  fc.assert(
    fc.property(values, values, (self, oldSelf) => {
      const verdict = rule.holds(self, oldSelf);
      verdicts.add(verdict);
      expect(evaluate(rule.cel, self, oldSelf)).toBe(verdict);
    }),
    { seed: 1, numRuns: 200 },
  );
  // Values that never break the rule, or never keep it, would show nothing.
  expect(verdicts).toEqual(new Set([false, true]));
});
