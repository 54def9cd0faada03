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
      row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join("  "),
    )
    .join("\n");
}

/** Something that the person at the keyboard can mend: shown without a stack trace, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
