/** What a scenario expected did not come. Anything else that a scenario throws is an error of its own. */
export class ExpectationFailed extends Error {
  override readonly name = "ExpectationFailed";
}

const show = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? String(part) : part)) ?? "undefined";

export function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (show(actual) !== show(expected)) {
    throw new ExpectationFailed(`${what}: expected ${show(expected)}, got ${show(actual)}`);
  }
}

export function expectTrue(what: string, holds: boolean): void {
  if (!holds) throw new ExpectationFailed(`${what}: does not hold`);
}

export function expectAtMost(what: string, actual: number, limit: number): void {
  if (!(actual <= limit)) throw new ExpectationFailed(`${what}: expected at most ${limit}, got ${actual}`);
}

export function expectAtLeast(what: string, actual: number, limit: number): void {
  if (!(actual >= limit)) throw new ExpectationFailed(`${what}: expected at least ${limit}, got ${actual}`);
}
