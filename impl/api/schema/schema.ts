// A schema says once what a field is: its type in the code, its OpenAPI form in a CRD, its default and its rules.

/** An integer of the API; a bigint only where a number would not be exact. */
export type Int64 = number | bigint;

/** A rule in the API server's language and the same in ours; `holds` sees the value, and its former one where there is one. */
export interface Rule {
  /** Common Expression Language, as in x-kubernetes-validations. */
  readonly cel: string;
  readonly message: string;
  readonly holds: (self: unknown, oldSelf: unknown) => boolean;
  /** True where the rule compares with the former value, so that it says nothing about a new object. */
  readonly transition?: true;
}

interface Common {
  readonly description?: string;
  readonly rules?: readonly Rule[];
}

export interface StringNode extends Common {
  readonly kind: "string";
  readonly default?: string;
  readonly enum?: readonly string[];
  readonly format?: "date-time";
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
}

export interface IntegerNode extends Common {
  readonly kind: "integer";
  readonly default?: number;
  readonly format?: "int32" | "int64";
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface BooleanNode extends Common {
  readonly kind: "boolean";
  readonly default?: boolean;
}

export interface ListNode extends Common {
  readonly kind: "list";
  readonly items: SchemaNode;
  readonly minItems?: number;
  /** `atomic` is replaced as a whole; a list of names makes the list a map by those fields. */
  readonly merge?: "atomic" | readonly string[];
}

export interface MapNode extends Common {
  readonly kind: "map";
  readonly values: SchemaNode;
}

export interface ObjectNode extends Common {
  readonly kind: "object";
  readonly fields: Readonly<Record<string, FieldNode>>;
  /** Replaced as a whole. */
  readonly atomic?: true;
}

export type SchemaNode = StringNode | IntegerNode | BooleanNode | ListNode | MapNode | ObjectNode;

export interface FieldNode {
  readonly node: SchemaNode;
  readonly required: boolean;
}

declare const type: unique symbol;

/** A schema of values of type T. T exists only for the compiler. */
export interface Schema<T, Required extends boolean = false> {
  readonly node: SchemaNode;
  readonly required: Required;
  readonly [type]?: T;
}

export type Infer<S> = S extends Schema<infer T, boolean> ? T : never;

type Fields = Readonly<Record<string, Schema<unknown, boolean>>>;
type RequiredNames<F extends Fields> = { [K in keyof F]: F[K]["required"] extends true ? K : never }[keyof F];
type Simplify<T> = { [K in keyof T]: T[K] };

export type ObjectOf<F extends Fields> = Simplify<
  { readonly [K in RequiredNames<F>]: Infer<F[K]> } & {
    readonly [K in Exclude<keyof F, RequiredNames<F>>]?: Infer<F[K]>;
  }
>;

function schema<T>(node: SchemaNode): Schema<T> {
  return { node, required: false };
}

type Options<N extends SchemaNode> = Omit<N, "kind" | "items" | "values" | "fields">;

export const string = (options: Options<StringNode> = {}): Schema<string> => schema({ kind: "string", ...options });
export const integer = (options: Options<IntegerNode> = {}): Schema<number> => schema({ kind: "integer", ...options });
export const boolean = (options: Options<BooleanNode> = {}): Schema<boolean> => schema({ kind: "boolean", ...options });

/** An integer of 64 bits that may be larger than a number holds exactly. */
export const int64 = (options: Options<IntegerNode> = {}): Schema<Int64> =>
  schema({ kind: "integer", format: "int64", ...options });

export function choice<const T extends string>(values: readonly T[], options: Options<StringNode> = {}): Schema<T> {
  return schema({ kind: "string", enum: values, ...options });
}

export function list<T>(items: Schema<T>, options: Options<ListNode> = {}): Schema<readonly T[]> {
  return schema({ kind: "list", items: items.node, ...options });
}

export function map<T>(values: Schema<T>, options: Options<MapNode> = {}): Schema<Readonly<Record<string, T>>> {
  return schema({ kind: "map", values: values.node, ...options });
}

export function object<const F extends Fields>(fields: F, options: Options<ObjectNode> = {}): Schema<ObjectOf<F>> {
  const nodes = Object.entries(fields).map(([name, { node, required }]) => [name, { node, required }] as const);
  return schema({ kind: "object", fields: Object.fromEntries(nodes), ...options });
}

export function required<T>(field: Schema<T>): Schema<T, true> {
  return { node: field.node, required: true };
}
