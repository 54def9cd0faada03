// Patches of JSON documents: RFC 7396 (merge), RFC 6902 with RFC 6901 (operations), and Kubernetes' strategic merge.
import { ApiError } from "./api-error.ts";
import { equal, type Fields, fieldsOf, isFields } from "./object.ts";

/** RFC 7396 section 2. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const result: Record<string, unknown> = { ...fieldsOf(target) };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}

/** Lists of built-in kinds whose items are told apart by a field (`patchMergeKey` in the API's types). */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  conditions: "type",
  containers: "name",
  env: "name",
  ownerReferences: "uid",
  ports: "port",
  tolerations: "key",
  volumes: "name",
};

/** The field that tells the items of a list apart; undefined where the list is one value. */
export function mergeKeyOf(field: string, items: readonly unknown[]): string | undefined {
  const key =
    field === "ports" && items.some((item) => "containerPort" in fieldsOf(item)) ? "containerPort" : MERGE_KEYS[field];
  return key !== undefined && items.every((item) => key in fieldsOf(item)) ? key : undefined;
}

/** The part of strategic merge that people write: lists merge by key, `$patch: delete` removes, `$patch: replace` replaces. */
export function strategicMergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const { $patch: directive, ...members } = patch;
  if (directive === "replace") return members;
  const result: Record<string, unknown> = { ...fieldsOf(target) };
  for (const [name, value] of Object.entries(members)) {
    if (name.startsWith("$")) throw new ApiError("BadRequest", `the patch directive ${name} is not supported`);
    if (value === null) delete result[name];
    else
      result[name] = Array.isArray(value)
        ? mergeList(name, result[name], value)
        : strategicMergePatch(result[name], value);
  }
  return result;
}

function mergeList(field: string, target: unknown, patch: readonly unknown[]): readonly unknown[] {
  const before: readonly unknown[] = Array.isArray(target) ? target : [];
  const key = mergeKeyOf(field, [...before, ...patch]);
  if (key === undefined) return patch;
  let result = before;
  for (const item of patch) {
    const same = (other: unknown): boolean => equal(fieldsOf(other)[key], fieldsOf(item)[key]);
    if (fieldsOf(item)["$patch"] === "delete") result = result.filter((other) => !same(other));
    else if (!result.some(same)) result = [...result, item];
    else result = result.map((other) => (same(other) ? strategicMergePatch(other, item) : other));
  }
  return result;
}

const unprocessable = (message: string): ApiError => new ApiError("Invalid", message);

/** RFC 6901 section 4. */
function stepsOf(pointer: unknown): readonly string[] {
  if (typeof pointer !== "string" || (pointer !== "" && !pointer.startsWith("/"))) {
    throw new ApiError("BadRequest", `"${String(pointer)}" is not a JSON pointer`);
  }
  const steps = pointer.split("/").slice(1);
  return steps.map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function indexOf(list: readonly unknown[], step: string, end: number): number {
  const index = /^(0|[1-9]\d*)$/.test(step) ? Number(step) : Number.NaN;
  if (!(index <= end) || index > list.length) throw unprocessable(`the list has no item "${step}"`);
  return index;
}

function valueAt(document: unknown, steps: readonly string[]): unknown {
  let value = document;
  for (const step of steps) {
    if (Array.isArray(value)) value = value[indexOf(value, step, value.length - 1)];
    else if (isFields(value) && Object.hasOwn(value, step)) value = value[step];
    else throw unprocessable(`the path /${steps.join("/")} does not exist`);
  }
  return value;
}

type Edit = { readonly op: "add" | "replace"; readonly value: unknown } | { readonly op: "remove" };

function edited(document: unknown, steps: readonly string[], edit: Edit): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return edit.op === "remove" ? undefined : edit.value;
  if (Array.isArray(document)) return editedList(document, step, rest, edit);
  if (!isFields(document)) throw unprocessable(`the path has no member "${step}"`);
  const present = Object.hasOwn(document, step);
  if (!present && (rest.length > 0 || edit.op !== "add")) throw unprocessable(`the path has no member "${step}"`);
  const copy: Record<string, unknown> = { ...document };
  if (rest.length === 0 && edit.op === "remove") delete copy[step];
  else copy[step] = edited(document[step], rest, edit);
  return copy;
}

function editedList(list: readonly unknown[], step: string, rest: readonly string[], edit: Edit): readonly unknown[] {
  // RFC 6901 section 4: "-" is the place after the last item.
  const adding = rest.length === 0 && edit.op === "add";
  const index = adding && step === "-" ? list.length : indexOf(list, step, adding ? list.length : list.length - 1);
  if (adding) return list.toSpliced(index, 0, edit.value);
  if (rest.length === 0 && edit.op === "remove") return list.toSpliced(index, 1);
  return list.with(index, edited(list[index], rest, edit));
}

function operate(document: unknown, operation: Fields): unknown {
  const { op, path, from, value } = operation;
  const steps = stepsOf(path);
  switch (op) {
    case "add":
    case "replace":
      return edited(document, steps, { op, value });
    case "remove":
      return edited(document, steps, { op });
    case "move": {
      const source = stepsOf(from);
      const moved = valueAt(document, source);
      return edited(edited(document, source, { op: "remove" }), steps, { op: "add", value: moved });
    }
    case "copy":
      return edited(document, steps, { op: "add", value: valueAt(document, stepsOf(from)) });
    case "test":
      if (!equal(valueAt(document, steps), value)) throw unprocessable(`the test of ${String(path)} failed`);
      return document;
    default:
      throw new ApiError("BadRequest", `"${String(op)}" is not an operation of JSON patch`);
  }
}

/** RFC 6902: all operations, or none. */
export function jsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw new ApiError("BadRequest", "a JSON patch is a list of operations");
  return patch.reduce<unknown>((result, operation) => operate(result, fieldsOf(operation)), document);
}
