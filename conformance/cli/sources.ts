// The texts that a person names on the command line: files, folders, standard input.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "./output.ts";

export interface SourceText {
  readonly file: string;
  readonly text: string;
}

const READABLE = /\.(ya?ml|json)$/;

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "may not be read",
  ELOOP: "is a link to itself",
};

/** What a file system call threw, as a problem of the path that a person wrote. */
export function fileProblem(path: string, error: unknown): UsageError {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  return new UsageError(`${path}: ${PROBLEMS[code] ?? (error instanceof Error ? error.message : String(error))}`);
}

function orProblem<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw fileProblem(path, error);
  }
}

function filesOf(path: string): readonly string[] {
  if (!orProblem(path, () => statSync(path)).isDirectory()) return [path];
  const found = orProblem(path, () => readdirSync(path, { recursive: true, withFileTypes: true }));
  return found
    .filter((entry) => entry.isFile() && READABLE.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

async function readAll(stream: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** Throws UsageError for what cannot be read and where there is nothing to read. `-` is standard input. */
export async function readSources(
  targets: readonly string[],
  stdin?: AsyncIterable<unknown>,
): Promise<readonly SourceText[]> {
  const sources: SourceText[] = [];
  for (const target of targets) {
    if (target === "-") {
      sources.push({ file: "stdin", text: await readAll(stdin ?? process.stdin.setEncoding("utf8")) });
    } else {
      for (const file of filesOf(target)) {
        sources.push({ file, text: orProblem(file, () => readFileSync(file, "utf8")) });
      }
    }
  }
  if (sources.length === 0) throw new UsageError(`no .yaml, .yml or .json file in ${targets.join(", ")}`);
  return sources;
}
