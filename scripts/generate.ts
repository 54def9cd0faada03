// Writes what is generated from the sources; `--check` only says what is stale.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { CRD_FILES } from "../impl/deploy/crds/crd-files.ts";
import { LAYERS } from "./layers.ts";

interface Generated {
  readonly path: string;
  readonly text: string;
}

/** The import table between its marks in ARCHITECTURE.md. */
function architecture(): Generated {
  const path = "ARCHITECTURE.md";
  const rows = LAYERS.map(({ path: layer, mayImport, core }) => {
    const targets = mayImport.map((target) => `\`${target}\``).join(", ");
    return `| \`${layer}\` | ${targets === "" ? "nothing" : targets} | ${core === true ? "yes" : ""} |`;
  });
  const table = ["| layer | may import | core |", "|---|---|---|", ...rows].join("\n");
  const marks = /(<!-- imports:begin[^\n]*-->\n)[^]*(<!-- imports:end -->)/;
  return { path, text: readFileSync(path, "utf8").replace(marks, `$1\n${table}\n\n$2`) };
}

const check = process.argv.includes("--check");
const files: readonly Generated[] = [...CRD_FILES, architecture()];
const stale = files.filter(({ path, text }) => !existsSync(path) || readFileSync(path, "utf8") !== text);
for (const { path, text } of stale) {
  if (check) console.error(`${path} is stale: run npm run generate`);
  else {
    writeFileSync(path, text);
    console.log(`wrote ${path}`);
  }
}
if (!check && stale.length === 0) console.log(`${files.length} files are up to date`);
process.exit(check && stale.length > 0 ? 1 : 0);
