import { isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";
import { TopologyError } from "./problem.ts";

/** A YAML value that knows its line and its path, for errors that a person can act on. */
export class Value {
  readonly path: string;
  readonly #node: unknown;
  readonly #file: YamlFile;
  readonly #parent: Value | undefined;

  /** What is absent stands where its parent does. */
  constructor(file: YamlFile, node: unknown, path: string, parent?: Value) {
    this.#parent = parent;
    this.#file = file;
    this.#node = node;
    this.path = path;
  }

  get line(): number {
    return isNode(this.#node) ? this.#file.lineOf(this.#node) : (this.#parent?.line ?? 1);
  }

  fail(problem: string): never {
    throw new TopologyError(this.#file.name, this.line, this.path === "" ? problem : `${this.path}: ${problem}`);
  }

  get exists(): boolean {
    return this.#node !== undefined && this.#node !== null && !(isScalar(this.#node) && this.#node.value === null);
  }

  /** The entries of a mapping; none where the value is absent. */
  entries(): readonly (readonly [string, Value])[] {
    if (!this.exists) return [];
    if (!isMap(this.#node)) return this.fail("must be a mapping");
    return this.#node.items.map((item) => {
      const key = String(isScalar(item.key) ? item.key.value : item.key);
      return [key, new Value(this.#file, item.value, this.path === "" ? key : `${this.path}.${key}`)] as const;
    });
  }

  get(key: string): Value {
    const found = this.entries().find(([name]) => name === key);
    return found?.[1] ?? new Value(this.#file, undefined, this.path === "" ? key : `${this.path}.${key}`, this);
  }

  items(): readonly Value[] {
    if (!this.exists) return [];
    if (!isSeq(this.#node)) return this.fail("must be a list");
    return this.#node.items.map((item, index) => new Value(this.#file, item, `${this.path}[${index}]`));
  }

  text(): string | undefined {
    if (!this.exists) return undefined;
    if (!isScalar(this.#node)) return this.fail("must be a single value");
    return String(this.#node.value);
  }

  string(): string {
    return this.text() ?? this.fail("is missing");
  }

  /** Fails at the first key that is in neither list: one says what is understood, the other what changes nothing here. */
  onlyKeys(understood: readonly string[], harmless: readonly string[]): void {
    for (const [key, value] of this.entries()) {
      if (!understood.includes(key) && !harmless.includes(key)) {
        value.fail(`is not supported and might change what the network means (understood: ${understood.join(", ")})`);
      }
    }
  }

  plain(): unknown {
    return isNode(this.#node) ? this.#node.toJS(this.#file.document(this.#node)) : this.#node;
  }
}

export class YamlFile {
  readonly name: string;
  readonly documents: readonly Value[];
  /** The first sentence of the comment on top of it. */
  readonly about: string;
  readonly #lines = new LineCounter();
  readonly #parsed: ReturnType<typeof parseAllDocuments>;

  /** Parses every document of a file. Throws TopologyError at the first thing that is not YAML; duplicate keys are errors. */
  constructor(name: string, text: string) {
    this.name = name;
    const comment = /^(?:#.*\n)*/.exec(text)?.[0].replaceAll(/^# ?/gm, "").replaceAll("\n", " ").trim() ?? "";
    this.about = /^.*?\.(?= |$)/.exec(comment)?.[0] ?? comment;
    this.#parsed = parseAllDocuments(text, { lineCounter: this.#lines, prettyErrors: false });
    const values: Value[] = [];
    if (Array.isArray(this.#parsed)) {
      for (const document of this.#parsed) {
        const [error] = document.errors;
        if (error !== undefined) {
          throw new TopologyError(name, this.#lines.linePos(error.pos[0]).line, error.message);
        }
        values.push(new Value(this, document.contents, ""));
      }
    }
    this.documents = values.filter((value) => value.exists);
  }

  lineOf(node: Node): number {
    return node.range === undefined || node.range === null ? 1 : this.#lines.linePos(node.range[0]).line;
  }

  document(node: Node): NonNullable<Parameters<Node["toJS"]>[0]> {
    for (const document of this.#parsed) {
      const { contents } = document;
      const range = contents?.range;
      if (range !== undefined && range !== null && node.range !== undefined && node.range !== null) {
        if (node.range[0] >= range[0] && node.range[0] <= range[2]) return document;
      }
    }
    throw new Error("a node outside every document");
  }
}
