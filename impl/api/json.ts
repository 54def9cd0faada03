// RFC 8259, with integers of 64 bits as the Kubernetes API has them: a number becomes a bigint only where a number of
// ECMAScript would not hold it exactly, and a bigint is written with all its digits.
import { DecodeError } from "../wire/errors.ts";

/** ECMAScript: JSON.parse source text access, https://tc39.es/proposal-json-parse-with-source/ */
interface Source {
  readonly source?: string;
}
interface WithRaw {
  readonly rawJSON: (text: string) => unknown;
}

const INTEGER = /^-?\d+$/;
/** The smallest integer that is not exact has 16 digits. Texts without such a run take the fast way. */
const LONG_NUMBER = /\d{16}/;

function keepDigits(_key: string, value: unknown, context?: Source): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && INTEGER.test(source) ? BigInt(source) : value;
}

/** Throws DecodeError at `path`. Of a key that stands twice the last one counts, as in the API server. */
export function parseJson(text: string, path = "json"): unknown {
  try {
    return LONG_NUMBER.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new DecodeError(path, `is not JSON: ${error.message}`);
    throw error;
  }
}

/** As JSON.stringify, for values that may hold bigints. */
export function stringifyJson(value: unknown, indent?: number): string {
  const { rawJSON } = JSON as unknown as WithRaw;
  const digits = (_key: string, child: unknown): unknown =>
    typeof child === "bigint" ? rawJSON(String(child)) : child;
  return JSON.stringify(value, digits, indent);
}
