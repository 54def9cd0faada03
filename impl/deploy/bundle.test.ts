import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { bundlePrograms, foreignIn, programIn, PROGRAMS } from "./bundle.ts";

it("ships two programs that run from anywhere and need nothing beside them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-bundle-"));
  try {
    await bundlePrograms(folder);
    const firstLines = PROGRAMS.map((name) => {
      const help = execFileSync(process.execPath, [programIn(folder, name), "--help"], {
        cwd: folder,
        encoding: "utf8",
      });
      return help.split("\n", 1)[0];
    });
    expect(firstLines).toEqual([
      "Gives addresses to Services of type LoadBalancer, from the IPAddressPools.",
      "Tells the network where this node's Services of type LoadBalancer are, by ARP, NDP and BGP.",
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it("knows what must not ship", () => {
  const inputs = ["impl/speaker/main.ts", "sim/random.ts", "conformance/world.ts", "node_modules/yaml/dist/index.js"];
  const source = { bytes: 1, imports: [] };
  expect(foreignIn({ inputs: Object.fromEntries(inputs.map((path) => [path, source])) })).toEqual([
    "sim/random.ts",
    "conformance/world.ts",
  ]);
});
