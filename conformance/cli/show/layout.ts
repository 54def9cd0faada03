// Fields below a head, each on a line of its own.

/** `58.8 s`, `300 ms`. */
export const secondsWords = (time: number): string =>
  time > 0 && time < 1e6 ? `${+(time / 1e3).toFixed(1)} ms` : `${+(time / 1e6).toFixed(1)} s`;

export const agoWords = (time: number): string => `${secondsWords(time)} ago`;

export type Field = readonly [name: string, value: string | readonly string[] | undefined];

/** Fields without a value are left out; one with several has a line for each. */
export function fieldLines(head: string, fields: readonly Field[]): string {
  const present = fields.flatMap(([name, value]) =>
    value === undefined ? [] : [[name, typeof value === "string" ? [value] : value] as const],
  );
  const width = Math.max(...present.map(([name]) => name.length));
  const lines = present.flatMap(([name, values]) =>
    values.map((value, index) => `  ${(index === 0 ? name : "").padEnd(width)}  ${value}`),
  );
  return [head, ...lines].join("\n");
}
