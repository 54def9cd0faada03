// Files that a Pod has mounted.
import { readFileSync } from "node:fs";
import { codeOf, reasonOf } from "../linux/system-error.ts";
import { StartupError } from "./startup-error.ts";

/** The text of a file; undefined where there is none. Throws StartupError where it cannot be read. */
export function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw new StartupError(`${path} cannot be read: ${reasonOf(error)}`);
  }
}

/** How old what was read may be. The kubelet renews mounted files in place, long before the old content expires. */
const MAX_AGE_MS = 10_000;

/** A file that is replaced while the process runs: a token, a certificate. */
export class RotatingFile {
  readonly #path: string;
  readonly #now: () => number;
  #text: string;
  #readAt: number;

  /** `now` in milliseconds. Throws where the file cannot be read. */
  constructor(path: string, now: () => number = () => performance.now()) {
    this.#path = path;
    this.#now = now;
    this.#text = readFileSync(path, "utf8");
    this.#readAt = now();
  }

  /** Its text of at most ten seconds ago; the last known where it cannot be read just now. */
  get text(): string {
    if (this.#now() - this.#readAt < MAX_AGE_MS) return this.#text;
    this.#readAt = this.#now();
    try {
      this.#text = readFileSync(this.#path, "utf8");
    } catch {
      // The kubelet swaps a folder: next time it is there again. Expired credentials are the API server's to refuse.
    }
    return this.#text;
  }
}
