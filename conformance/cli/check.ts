// `assay check`: what is wrong with manifests, without a cluster.
import { parseArgs } from "node:util";
import { checkDocuments } from "../../impl/api/check.ts";
import { type CheckProblem, type CheckResult } from "../../impl/api/check-source.ts";
import { readSources, type SourceText } from "./sources.ts";
import { parseYaml, readSource } from "./yaml-source.ts";

/** As the standard streams of a process are. */
interface Sink {
  write(text: string): unknown;
}

export interface CommandStreams {
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** What `-` reads; the process's own without it. */
  readonly stdin?: AsyncIterable<unknown>;
}

export function checkTexts(sources: readonly SourceText[], namespace?: string): CheckResult {
  const read = sources.map(({ file, text }) => ({ file, ...readSource(file, text) }));
  const options = { parseYaml, ...(namespace === undefined ? {} : { namespace }) };
  const result = checkDocuments(
    read.flatMap((source) => source.documents),
    options,
  );
  const inText = read.flatMap(({ file, problems }) =>
    problems.map(
      ({ line, column, message }): CheckProblem => ({
        file,
        line,
        column,
        object: "",
        field: "",
        message,
        severity: "error",
      }),
    ),
  );
  const order = sources.map(({ file }) => file);
  const problems = [...inText, ...result.problems].toSorted(
    (a, b) => order.indexOf(a.file) - order.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
  return { ...result, problems };
}

/** `pool.yaml:7:5: error: IPAddressPool metallb-system/first: spec.addresses[0]: invalid CIDR "x"`. */
export function problemLine({ file, line, column, severity, object, field, message }: CheckProblem): string {
  return [`${file}:${line}:${column}`, severity, object, field, message].filter((part) => part !== "").join(": ");
}

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? "" : "s"}`;

function summary({ problems, checked, ignored }: CheckResult): string {
  const errors = problems.filter((problem) => problem.severity === "error").length;
  const warnings = problems.length - errors;
  const verdict = errors === 0 ? "ok" : count(errors, "problem");
  const found = warnings === 0 ? verdict : `${verdict}, ${count(warnings, "warning")}`;
  const others = ignored === 0 ? "" : `, ${count(ignored, "object")} of other kinds left alone`;
  return `${found}: ${count(checked, "object")} checked${others}`;
}

function readArguments(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      namespace: { type: "string", short: "n" },
    },
  });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The exit status. */
export async function checkCommand(args: readonly string[], streams: CommandStreams): Promise<number> {
  let given: ReturnType<typeof readArguments>;
  let sources: readonly SourceText[];
  try {
    given = readArguments(args);
    if (given.positionals.length === 0) throw new Error("no FILE, DIR or - given");
    sources = await readSources(given.positionals, streams.stdin);
  } catch (error) {
    streams.stderr.write(`assay check: ${messageOf(error)}\n`);
    return 2;
  }
  const result = checkTexts(sources, given.values.namespace);
  if (given.values.json) streams.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
  else streams.stdout.write(`${[...result.problems.map(problemLine), summary(result)].join("\n")}\n`);
  return result.problems.some((problem) => problem.severity === "error") ? 1 : 0;
}
