/** A topology that cannot be used, with the place in the file. */
export class TopologyError extends Error {
  override readonly name = "TopologyError";
  readonly file: string;
  readonly line: number;

  constructor(file: string, line: number, problem: string) {
    super(`${file}:${line}: ${problem}`);
    this.file = file;
    this.line = line;
  }

  /** Everything that is wrong with one file, a line for each. */
  static of(file: string, problems: readonly { readonly line: number; readonly problem: string }[]): TopologyError {
    const [first, ...others] = problems;
    const rest = others.map(({ line, problem }) => `\n${file}:${line}: ${problem}`);
    return new TopologyError(file, first?.line ?? 1, `${first?.problem ?? "is not understood"}${rest.join("")}`);
  }
}
