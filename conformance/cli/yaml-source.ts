// YAML and JSON files as documents whose fields know their places.
import { isAlias, isCollection, isNode, isPair, isScalar, LineCounter, parseAllDocuments, type Document } from "yaml";
import { type Position, type SourceDocument } from "../../impl/api/check-source.ts";
import { pathSteps } from "../../impl/api/schema/path.ts";

/** A fault of the text itself. */
export interface SyntaxProblem extends Position {
  readonly message: string;
  /** The document has no meaning; with a key that stands twice it still has one: the last counts. */
  readonly fatal: boolean;
}

export interface ReadSource {
  readonly documents: readonly SourceDocument[];
  readonly problems: readonly SyntaxProblem[];
}

/** Integers become numbers where that is exact. */
function plainNumbers(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(plainNumbers);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainNumbers(item)]));
}

type YamlDocument = Document.Parsed;

/** Offset of the key or item that the last step of a path reaches, or of the nearest one above it. */
function offsetOf(document: YamlDocument, path: string): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const step of pathSteps(path)) {
    if (isAlias(node)) node = node.resolve(document);
    if (!isCollection(node)) break;
    const pair = node.items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step),
    );
    const next = typeof step === "number" ? node.items[step] : pair;
    if (next === undefined) break;
    const anchor = isPair(next) ? next.key : next;
    if (isNode(anchor)) offset = anchor.range?.[0] ?? offset;
    node = isPair(next) ? next.value : next;
  }
  return offset;
}

export function readSource(file: string, text: string): ReadSource {
  const lines = new LineCounter();
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const documents: SourceDocument[] = [];
  const problems: SyntaxProblem[] = [];
  const options = { lineCounter: lines, intAsBigInt: true, merge: true, prettyErrors: false } as const;
  for (const document of parseAllDocuments(text, options)) {
    if (!("errors" in document)) continue;
    for (const { code, message, pos } of document.errors) {
      const key = /^["']?([^\s:"']*)/.exec(text.slice(pos[0]))?.[1] ?? "";
      const repeated = code === "DUPLICATE_KEY";
      const what = repeated ? `the key "${key}" stands twice` : message;
      problems.push({ ...position(pos[0]), message: what, fatal: !repeated });
    }
    // A document with a repeated key can still be read; one with broken syntax cannot.
    if (document.errors.some((error) => error.code !== "DUPLICATE_KEY")) continue;
    try {
      const value = plainNumbers(document.toJS());
      documents.push({ file, value, positionOf: (path) => position(offsetOf(document, path)) });
    } catch (error) {
      // The library refuses aliases that would grow without end.
      if (!(error instanceof ReferenceError)) throw error;
      problems.push({ ...position(0), message: error.message, fatal: true });
    }
  }
  return { documents, problems };
}

/** YAML inside a string, or undefined. */
export function parseYaml(text: string): unknown {
  const [document] = readSource("", text).documents;
  return document?.value;
}
