// Kinds with a schema, as a CustomResourceDefinition gives it: pruned, defaulted and validated.
import { type SchemaNode } from "../../impl/api/schema/schema.ts";
import { applyDefaults, prune } from "../../impl/api/schema/structure.ts";
import { type SchemaProblem, validate } from "../../impl/api/schema/validate.ts";
import { type Cause } from "./api-error.ts";
import { fieldsOf, type StoredObject } from "./object.ts";
import { type Strategy } from "./strategy.ts";

const REASONS = {
  required: "FieldValueRequired",
  type: "FieldValueTypeInvalid",
  value: "FieldValueInvalid",
  rule: "FieldValueInvalid",
} as const;

/** Unknown fields are dropped, not refused. */
export function causesOf(problems: readonly SchemaProblem[]): readonly Cause[] {
  return problems.flatMap(({ reason, path, what }) => {
    if (reason === "unknownField") return [];
    const message = reason === "required" ? "Required value" : `Invalid value: ${what}`;
    return [{ reason: REASONS[reason], message, field: path }];
  });
}

const partsOf = ({ spec, status }: StoredObject): object => ({
  ...(spec === undefined ? {} : { spec }),
  ...(status === undefined ? {} : { status }),
});

export function schemaStrategy(schema: SchemaNode): Strategy {
  const structured = (object: StoredObject): StoredObject => {
    const { apiVersion, kind, metadata } = object;
    return { apiVersion, kind, metadata, ...fieldsOf(applyDefaults(schema, prune(schema, partsOf(object)))) };
  };
  return {
    prepareCreate: structured,
    prepareUpdate: structured,
    prepareStatusUpdate: structured,
    validate: (object, old) =>
      causesOf(validate(schema, partsOf(object), "", old === undefined ? undefined : partsOf(old))),
  };
}
