// Statements of a configuration as patterns: `neighbor PEER timers / KEEPALIVE HOLD`. Words in capitals stand for values, `a|b`
// is one of both, brackets hold what may be left out, `...` is whatever follows; what stands behind `/` need not be repeated
// after `no`.
import { ConfigError } from "../../../impl/wire/errors.ts";

type Token =
  | { readonly kind: "words"; readonly name: string; readonly words: readonly string[] }
  | { readonly kind: "value"; readonly name: string }
  | { readonly kind: "optional"; readonly tokens: readonly Token[] }
  | { readonly kind: "keyEnd" }
  | { readonly kind: "rest" };

function readToken(text: string): Token {
  if (text === "/") return { kind: "keyEnd" };
  if (text === "...") return { kind: "rest" };
  if (/^[A-Z]/.test(text)) return { kind: "value", name: text };
  return { kind: "words", name: text, words: text.split("|") };
}

function readPattern(pattern: string): readonly Token[] {
  return [...pattern.matchAll(/\[([^\]]+)\]|(\S+)/g)].map(([, group, word = ""]): Token => {
    return group === undefined ? readToken(word) : { kind: "optional", tokens: readPattern(group) };
  });
}

/** What a statement gives for the words of its pattern. */
export class Words {
  readonly #found: ReadonlyMap<string, string>;
  /** What `...` stands for. */
  readonly rest: readonly string[];

  constructor(found: ReadonlyMap<string, string>, rest: readonly string[]) {
    this.#found = found;
    this.rest = rest;
  }

  has(name: string): boolean {
    return this.#found.has(name);
  }

  maybe(name: string): string | undefined {
    return this.#found.get(name);
  }

  text(name: string): string {
    const found = this.#found.get(name);
    if (found === undefined) throw new ConfigError("", `${name} is missing`);
    return found;
  }

  /** Reads a value that may have been left out. */
  optional<Value>(name: string, read: (text: string, name: string) => Value): Value | undefined {
    const text = this.#found.get(name);
    return text === undefined ? undefined : read(text, name);
  }

  read<Value>(name: string, read: (text: string, name: string) => Value): Value {
    return read(this.text(name), name);
  }
}

interface Progress {
  readonly found: Map<string, string>;
  rest: readonly string[];
  /** How many words fitted before one did not. */
  fitted: number;
}

interface Place {
  readonly words: readonly string[];
  readonly at: number;
  readonly no: boolean;
  readonly pastKey: boolean;
}

function fits(tokens: readonly Token[], place: Place, progress: Progress): boolean {
  const { words, at, no, pastKey } = place;
  progress.fitted = Math.max(progress.fitted, at);
  const [token, ...after] = tokens;
  if (token === undefined) return at === words.length;
  if (token.kind === "keyEnd") return fits(after, { ...place, pastKey: true }, progress);
  if (token.kind === "rest") {
    progress.rest = words.slice(at);
    progress.fitted = words.length;
    return true;
  }
  if (token.kind === "optional") {
    return fits([...token.tokens, ...after], place, progress) || fits(after, place, progress);
  }
  const word = words[at];
  if (word === undefined) return no && pastKey;
  if (token.kind === "words" && !token.words.includes(word)) return false;
  if (!fits(after, { ...place, at: at + 1 }, progress)) return false;
  progress.found.set(token.name, word);
  return true;
}

/** Where statements are read: a context of the configuration with what stands in it so far. */
export interface Frame {
  /** As in `interface eth1`. */
  readonly name: string;
  /** Throws ConfigError where a value of the statement is wrong. */
  read(words: readonly string[], no: boolean): Reading;
}

export type Reading =
  | { readonly kind: "read"; readonly entered: Frame | undefined }
  | { readonly kind: "unknown"; readonly fitted: number; readonly known: readonly string[] };

export interface Command<Target> {
  readonly pattern: string;
  readonly run: (target: Target, words: Words, no: boolean) => Frame | undefined;
}

/** A statement that says something about its context. */
export function statement<Target>(
  pattern: string,
  run: (target: Target, words: Words, no: boolean) => void,
): Command<Target> {
  return {
    pattern,
    run: (target, words, no) => {
      run(target, words, no);
      return undefined;
    },
  };
}

/** A statement that has no say in where packets go. */
export const ignored = <Target>(pattern: string): Command<Target> => statement(pattern, () => undefined);

/** A statement that cannot be taken back. */
export function lasting<Target>(pattern: string, run: (target: Target, words: Words) => void): Command<Target> {
  return statement(pattern, (target, words, no) => {
    if (no) throw new ConfigError("", "cannot be taken back");
    run(target, words);
  });
}

/** The statements of one kind of context. */
export class Grammar<Target> {
  readonly #commands: readonly (Command<Target> & { readonly tokens: readonly Token[] })[];

  constructor(commands: readonly Command<Target>[]) {
    this.#commands = commands.map((command) => ({ ...command, tokens: readPattern(command.pattern) }));
  }

  on(name: string, target: Target): Frame {
    return { name, read: (words, no) => this.#read(target, words, no) };
  }

  /** Whether some statement here has this form, whatever its values. */
  knows(words: readonly string[], no: boolean): boolean {
    return this.#commands.some(({ tokens }) =>
      fits(tokens, { words, at: 0, no, pastKey: false }, { found: new Map(), rest: [], fitted: 0 }),
    );
  }

  #read(target: Target, words: readonly string[], no: boolean): Reading {
    let best = 0;
    let known: string[] = [];
    for (const { pattern, tokens, run } of this.#commands) {
      const progress: Progress = { found: new Map(), rest: [], fitted: 0 };
      if (fits(tokens, { words, at: 0, no, pastKey: false }, progress)) {
        return { kind: "read", entered: run(target, new Words(progress.found, progress.rest), no) };
      }
      if (progress.fitted > best) {
        best = progress.fitted;
        known = [];
      }
      if (progress.fitted === best) known.push(pattern);
    }
    return { kind: "unknown", fitted: best, known };
  }
}

/** Contexts that are read as one: the first that knows a statement takes it. */
export function oneOf(name: string, frames: readonly Frame[]): Frame {
  return {
    name,
    read: (words, no) => {
      let nearest: Reading = { kind: "unknown", fitted: 0, known: [] };
      for (const frame of frames) {
        const reading = frame.read(words, no);
        if (reading.kind === "read") return reading;
        if (reading.fitted > nearest.fitted || nearest.known.length === 0) nearest = reading;
      }
      return nearest;
    },
  };
}
