// Which cases noticed which mutant when somebody last looked. Nothing is believed for it: the lane lets each mutant meet these
// cases first, and seeks others only where they do not notice it any more.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** By the name of a mutant, the names of cases. */
export type Witnesses = Readonly<Record<string, readonly string[]>>;

const FILE = fileURLToPath(new URL("witnesses.json", import.meta.url));

export function readWitnesses(): Witnesses {
  const witnesses: Witnesses = JSON.parse(readFileSync(FILE, "utf8"));
  return witnesses;
}

export function writeWitnesses(witnesses: Witnesses): void {
  writeFileSync(FILE, `${JSON.stringify(witnesses, null, 2)}\n`);
}
