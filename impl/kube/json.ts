import { parseJson } from "../api/json.ts";
import { DecodeError } from "../wire/errors.ts";

export type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The members of a JSON object; of anything else, none. */
export const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});

export const itemsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** Undefined where the text is not JSON. */
export function readJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/**
 * The value without members that are null, at every depth; the value itself where there are none. In the Kubernetes API
 * null means absent, and Go writes an empty list as null where its field is not `omitempty` (EndpointSlice.endpoints).
 */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(withoutNulls);
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (!isFields(value)) return value;
  let changed: Record<string, unknown> | undefined;
  for (const [name, before] of Object.entries(value)) {
    const after = withoutNulls(before);
    if (after === before && before !== null) continue;
    changed ??= { ...value };
    if (before === null) delete changed[name];
    else changed[name] = after;
  }
  return changed ?? value;
}
