// Command line flags as Go's flag package reads them, because manifests are written for it: one dash or two, `-flag value`
// or `-flag=value`, and truth values only with `=`. https://pkg.go.dev/flag#hdr-Command_line_flag_syntax
import { type Micros, parseDuration } from "../../wire/time.ts";

interface Common {
  readonly help: string;
  /** The environment variable that gives the default. */
  readonly env?: string;
  /** The flag is read and has no effect; this is why. */
  readonly ignored?: string;
}

export type Flag =
  | (Common & { readonly kind: "text"; readonly fallback: string })
  | (Common & { readonly kind: "bool"; readonly fallback: boolean })
  | (Common & { readonly kind: "int"; readonly fallback: number })
  /** In Go's notation. */
  | (Common & { readonly kind: "duration"; readonly fallback: Micros });

export type FlagTable = Readonly<Record<string, Flag>>;

type ValueOf<F extends Flag> = F extends { readonly kind: "bool" }
  ? boolean
  : F extends { readonly kind: "int" }
    ? number
    : F extends { readonly kind: "duration" }
      ? Micros
      : string;

export type FlagValues<T extends FlagTable> = { readonly [Name in keyof T]: ValueOf<T[Name]> };

export type Environment = Readonly<Record<string, string | undefined>>;

export type Reading<T extends FlagTable> =
  | { readonly kind: "values"; readonly values: FlagValues<T>; readonly ignored: readonly Ignored[] }
  | { readonly kind: "help" }
  | { readonly kind: "refused"; readonly because: string };

/** Something that was set and has no effect. */
export interface Ignored {
  readonly name: string;
  readonly because: string;
}

class Refused extends Error {}

/** As strconv.ParseBool. */
const TRUTH: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((text) => [text, true] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((text) => [text, false] as const),
]);

function valueOf(flag: Flag, text: string, where: string): string | boolean | number {
  const refuse = (what: string): never => {
    throw new Refused(`${where} must be ${what}, not "${text}"`);
  };
  switch (flag.kind) {
    case "text":
      return text;
    case "bool":
      return TRUTH.get(text) ?? refuse("true or false");
    case "int":
      return /^[+-]?\d{1,10}$/.test(text) ? Number(text) : refuse("a whole number");
    case "duration":
      try {
        return parseDuration(text, where);
      } catch {
        return refuse("a duration such as 500ms or 30s");
      }
  }
}

/** The flags on the command line, each with its text. */
function given(table: FlagTable, argv: readonly string[]): ReadonlyMap<string, string> | "help" {
  const texts = new Map<string, string>();
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined && word !== "--"; word = rest.shift()) {
    const [, name, text] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === undefined) throw new Refused(`"${word}" is not a flag, and there are no other arguments`);
    const flag = Object.hasOwn(table, name) ? table[name] : undefined;
    if (flag === undefined) {
      if (name === "help" || name === "h") return "help";
      throw new Refused(`flag provided but not defined: -${name}`);
    }
    const value = text ?? (flag.kind === "bool" ? "true" : rest.shift());
    if (value === undefined) throw new Refused(`flag needs an argument: -${name}`);
    texts.set(name, value);
  }
  if (rest.length > 0) throw new Refused(`"${rest.join(" ")}" are no flags, and there are no other arguments`);
  return texts;
}

/** Never throws: what cannot be read is refused with a reason. The command line counts before the environment. */
export function readFlags<T extends FlagTable>(table: T, argv: readonly string[], env: Environment): Reading<T> {
  try {
    const texts = given(table, argv);
    if (texts === "help") return { kind: "help" };
    const ignored: Ignored[] = [];
    const values = Object.entries(table).map(([name, flag]) => {
      const written = texts.get(name);
      const inherited = flag.env === undefined ? "" : (env[flag.env] ?? "");
      const source = written === undefined && inherited !== "" ? `$${flag.env}` : `--${name}`;
      const text = written ?? (inherited === "" ? undefined : inherited);
      if (flag.ignored !== undefined && text !== undefined) ignored.push({ name: source, because: flag.ignored });
      return [name, text === undefined ? flag.fallback : valueOf(flag, text, source)];
    });
    return { kind: "values", values: Object.fromEntries(values) as FlagValues<T>, ignored };
  } catch (error) {
    if (error instanceof Refused) return { kind: "refused", because: error.message };
    throw error;
  }
}

const WIDTH = 100;
const INDENT = "        ";

function wrap(text: string): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && INDENT.length + line.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.map((line) => `${INDENT}${line}\n`).join("");
}

function fallbackOf(flag: Flag): string {
  const fixed = flag.kind === "duration" || flag.fallback === "" || flag.fallback === false ? "" : `${flag.fallback}`;
  const parts = [flag.env === undefined ? "" : `$${flag.env}`, fixed].filter((part) => part !== "");
  return parts.length === 0 ? "" : ` (default ${parts.join(", else ")})`;
}

/** What `--help` prints. Flags without effect stand at the end. */
export function usage(introduction: string, table: FlagTable): string {
  const paragraph = ([name, flag]: readonly [string, Flag]): string => {
    const head = flag.kind === "bool" ? `  --${name}\n` : `  --${name} ${flag.kind}\n`;
    return `${head}${wrap(`${flag.ignored ?? flag.help}${fallbackOf(flag)}`)}`;
  };
  const all = Object.entries(table);
  const active = all.filter(([, flag]) => flag.ignored === undefined);
  const inert = all.filter(([, flag]) => flag.ignored !== undefined);
  return [
    `${introduction}\n\nFlags:\n`,
    ...active.map(paragraph),
    ...(inert.length === 0 ? [] : ["\nAccepted for MetalLB's manifests, without effect:\n", ...inert.map(paragraph)]),
  ].join("");
}
