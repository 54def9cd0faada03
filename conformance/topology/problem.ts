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
}
