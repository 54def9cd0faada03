import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { customResourceDefinition } from "./crd.ts";
import { KINDS } from "./kinds/registry.ts";

interface Facts {
  readonly LabelSelector: readonly string[];
  readonly kinds: Readonly<
    Record<string, { plural: string; deprecated?: string; columns: string[]; fields: string[] }>
  >;
}

const facts = JSON.parse(readFileSync(new URL("golden/crd-facts.json", import.meta.url), "utf8")) as Facts;

interface Form {
  readonly type: string;
  readonly properties?: Readonly<Record<string, Form>>;
  readonly additionalProperties?: Form;
  readonly items?: Form;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly "x-kubernetes-validations"?: readonly { readonly rule: string; readonly message: string }[];
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: string;
  readonly [limit: string]: unknown;
}

const LIMITS = ["format", "minLength", "maxLength", "minimum", "maximum", "minItems", "pattern", "default"];

function rules(form: Form): readonly string[] {
  const written = form["x-kubernetes-validations"] ?? [];
  return written.map(({ rule, message }) =>
    message.startsWith("serviceSelectors and aggregationLength are mutually exclusive")
      ? "cel=serviceSelectors/aggregationLength"
      : `cel="${rule}" message="${message}"`,
  );
}

function describeForm(form: Form, required: boolean): string {
  const limits = LIMITS.flatMap((limit) =>
    form[limit] === undefined
      ? []
      : [
          `${limit}=${JSON.stringify(form[limit])
            .replace(/^"(.*)"$/, "$1")
            .replaceAll("\\\\", "\\")}`,
        ],
  );
  const listType = form["x-kubernetes-list-type"];
  const words = [
    form.type,
    ...(form["x-kubernetes-map-type"] === undefined ? [] : [`map-type=${form["x-kubernetes-map-type"]}`]),
    ...(listType === undefined ? [] : [`list-type=${listType}`]),
    ...(form["x-kubernetes-list-map-keys"] ?? []).map((key) => `list-map-keys=${key}`),
    ...(form.enum === undefined ? [] : [`enum=${form.enum.join("|")}`]),
    ...limits,
    ...rules(form),
    ...(required ? ["required"] : []),
  ];
  return words.join(" ");
}

/** One line per field below `path`; a label selector is one line. */
function lines(form: Form, path: string, required: boolean): readonly string[] {
  const below = [
    ...Object.entries(form.properties ?? {}).flatMap(([name, child]) =>
      lines(child, path === "" ? name : `${path}.${name}`, form.required?.includes(name) ?? false),
    ),
    ...(form.items === undefined ? [] : lines(form.items, `${path}[]`, false)),
    ...(form.additionalProperties === undefined ? [] : lines(form.additionalProperties, `${path}{}`, false)),
  ];
  if (path === "") return below;
  const isSelector = form["x-kubernetes-map-type"] === "atomic" && form.properties?.["matchLabels"] !== undefined;
  if (!isSelector) return [`${path}: ${describeForm(form, required)}`, ...below];
  const inside = below.map((line) => line.slice(path.length + 1));
  expect(inside.toSorted()).toEqual(facts.LabelSelector.toSorted());
  return [`${path}: LabelSelector${required ? " required" : ""}`];
}

interface Version {
  readonly name: string;
  readonly deprecationWarning?: string;
  readonly additionalPrinterColumns?: readonly { name: string; type: string; jsonPath: string; priority?: number }[];
  readonly schema: { readonly openAPIV3Schema: Form };
}

const definitions = KINDS.map((kind) => customResourceDefinition(kind, "metallb-system")) as unknown as readonly {
  readonly spec: {
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: readonly Version[];
  };
}[];

function ownFacts(): Facts["kinds"] {
  const entries = definitions.flatMap(({ spec }) =>
    spec.versions.map((version) => {
      const root = version.schema.openAPIV3Schema;
      const standard = ["apiVersion", "kind", "metadata"];
      const fields = lines(root, "", false).filter((line) => !standard.includes(line.slice(0, line.indexOf(":"))));
      const columns = (version.additionalPrinterColumns ?? []).map(({ name, type, jsonPath, priority }) =>
        [name, type, jsonPath, ...(priority === undefined ? [] : [`priority=${priority}`])].join(" "),
      );
      const deprecated = version.deprecationWarning === undefined ? {} : { deprecated: version.deprecationWarning };
      return [
        `${spec.names.kind} ${version.name}`,
        { plural: spec.names.plural, ...deprecated, columns, fields: fields.toSorted() },
      ] as const;
    }),
  );
  return Object.fromEntries(entries);
}

it("has every field, limit, default and column of MetalLB's CRDs and no other", () => {
  const sorted = Object.fromEntries(
    Object.entries(facts.kinds).map(([kind, fact]) => [kind, { ...fact, fields: fact.fields.toSorted() }]),
  );
  expect(ownFacts()).toEqual(sorted);
});

/** https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema */
function structuralProblems(form: Form, path: string): readonly string[] {
  const problems: string[] = [];
  const types = ["object", "array", "string", "integer", "number", "boolean"];
  if (!types.includes(form.type)) problems.push(`${path}: needs a type`);
  if (form.properties !== undefined && form.additionalProperties !== undefined) {
    problems.push(`${path}: properties and additionalProperties exclude each other`);
  }
  if (form.type === "array" && form.items === undefined) problems.push(`${path}: an array needs items`);
  for (const name of form.required ?? []) {
    if (form.properties?.[name] === undefined) problems.push(`${path}: requires ${name}, which is not there`);
  }
  for (const key of form["x-kubernetes-list-map-keys"] ?? []) {
    if (form.items?.required?.includes(key) !== true) problems.push(`${path}: list key ${key} must be required`);
  }
  for (const word of ["allOf", "anyOf", "oneOf", "not", "$ref", "definitions", "uniqueItems"]) {
    if (form[word] !== undefined) problems.push(`${path}: ${word} is not allowed`);
  }
  const children = [
    ...Object.entries(form.properties ?? {}).map(([name, child]) => [`${path}.${name}`, child] as const),
    ...(form.items === undefined ? [] : [[`${path}[]`, form.items] as const]),
    ...(form.additionalProperties === undefined ? [] : [[`${path}{}`, form.additionalProperties] as const]),
  ];
  return [...problems, ...children.flatMap(([at, child]) => structuralProblems(child, at))];
}

describe("structural schemas", () => {
  it.each(
    definitions.flatMap(({ spec }) =>
      spec.versions.map((version) => [`${spec.names.kind} ${version.name}`, version] as const),
    ),
  )("%s is one", (_name, version) => {
    const root = version.schema.openAPIV3Schema;
    expect(structuralProblems(root, "")).toEqual([]);
    expect(root.properties?.["metadata"]).toEqual({ type: "object" });
  });

  it("are what the checker demands", () => {
    const bad: Form = {
      type: "object",
      required: ["a"],
      properties: { b: { type: "array" } },
      additionalProperties: { type: "string" },
    };
    expect(structuralProblems(bad, "")).toEqual([
      ": properties and additionalProperties exclude each other",
      ": requires a, which is not there",
      ".b: an array needs items",
    ]);
  });
});

it("stores exactly one version of each kind", () => {
  expect(KINDS.map((kind) => kind.versions.filter((version) => version.storage).length)).toEqual(KINDS.map(() => 1));
});
