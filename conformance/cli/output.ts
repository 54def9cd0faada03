import { accessSync, constants, existsSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { styleText } from "node:util";

/** Colour where a person reads, plain text where a machine does (NO_COLOR and FORCE_COLOR are honoured). */
export const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
  styleText(style, text, { stream: process.stdout });

/** Columns padded to the widest cell; the last column is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** `6.06 s`, `340 ms`. */
export const formatDuration = (time: number): string =>
  time >= 1e6 ? `${(time / 1e6).toFixed(2)} s` : `${(time / 1e3).toFixed(0)} ms`;

/** Something that the person at the keyboard can mend: shown without a stack trace, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Says before a long run that its results could not be written. `-` is standard output. */
export function checkWritable(option: string, path: string | undefined): void {
  if (path === undefined || path === "-") return;
  const folder = dirname(path);
  const problem = (): string | undefined => {
    if (!existsSync(folder)) return `there is no folder ${folder}`;
    if (!existsSync(path)) return accessSync(folder, constants.W_OK) ?? undefined;
    if (statSync(path).isDirectory()) return "is a folder";
    return accessSync(path, constants.W_OK) ?? undefined;
  };
  let found: string | undefined;
  try {
    found = problem();
  } catch {
    found = "may not be written";
  }
  if (found !== undefined) throw new UsageError(`${option} ${path}: ${found}`);
}

export function writeResult(option: string, path: string, content: string | Uint8Array): void {
  if (path === "-") {
    process.stdout.write(content);
    return;
  }
  try {
    writeFileSync(path, content);
  } catch (error) {
    throw new UsageError(`${option} ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
