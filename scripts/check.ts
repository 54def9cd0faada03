// Everything that a machine can say about the text of the code. Runs every check, then says which failed.
import { $ } from "zx";
import { checkLayers } from "./layers.ts";

$.quiet = true;
$.nothrow = true;

const started = performance.now();
const failed: string[] = [];

async function check(name: string, run: () => Promise<string | undefined>): Promise<void> {
  const begin = performance.now();
  const problem = await run();
  const took = `${((performance.now() - begin) / 1000).toFixed(1)} s`;
  if (problem === undefined) {
    console.log(`check ${name}: ok (${took})`);
    return;
  }
  failed.push(name);
  console.log(`check ${name}: FAILED (${took})\n${problem}`);
}

const command = (pieces: TemplateStringsArray) => async (): Promise<string | undefined> => {
  const result = await $(pieces);
  return result.exitCode === 0 ? undefined : `${result.stdout}${result.stderr}`;
};

await Promise.all([
  check("types", command`tsc --noEmit`),
  check("core types", command`tsc -p tsconfig.cores.json`),
  check("lint", command`oxlint --type-aware --deny-warnings`),
  check("format", command`biome format`),
  check("unused", command`knip --no-progress`),
  check("generated", command`node scripts/generate.ts --check`),
  check("imports", async () => {
    const { files, problems } = checkLayers(".");
    console.log(`imports: ${files} files held against the table`);
    return problems.length === 0 ? undefined : problems.join("\n");
  }),
]);

console.log(`check took ${((performance.now() - started) / 1000).toFixed(1)} s`);
if (failed.length > 0) {
  console.error(`failed: ${failed.join(", ")}`);
  process.exit(1);
}
