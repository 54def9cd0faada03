// Writes what is generated from the sources; `--check` only says what is stale.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { CRD_FILES } from "../impl/deploy/crds/crd-files.ts";

const check = process.argv.includes("--check");
const stale = CRD_FILES.filter(({ path, text }) => !existsSync(path) || readFileSync(path, "utf8") !== text);
for (const { path, text } of stale) {
  if (check) console.error(`${path} is stale: run npm run generate`);
  else {
    writeFileSync(path, text);
    console.log(`wrote ${path}`);
  }
}
if (!check && stale.length === 0) console.log(`${CRD_FILES.length} files are up to date`);
process.exit(check && stale.length > 0 ? 1 : 0);
