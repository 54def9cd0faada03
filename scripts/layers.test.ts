import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkLayers, importsOf, violationsOf } from "./layers.ts";

describe("the import table", () => {
  it("finds imports of every form", () => {
    const text = [
      'import { a } from "./a.ts";',
      "import {",
      "  b,",
      '} from "./b.ts";',
      'import "./c.ts";',
      'export { d } from "./d.ts";',
      'export type { e } from "./e.ts";',
      'const f = await import("./f.ts");',
    ].join("\n");
    expect(importsOf(text)).toEqual(["./a.ts", "./b.ts", "./c.ts", "./d.ts", "./e.ts", "./f.ts"]);
  });

  it.each([
    ["impl/wire/arp.ts", 'import { x } from "../api/kubernetes.ts";', "impl/wire may not import impl/api"],
    ["impl/speaker/a.ts", 'import { x } from "../controller/b.ts";', "impl/speaker may not import impl/controller"],
    ["sim/host/host.ts", 'import { x } from "../../impl/speaker/b.ts";', "sim may not import impl/speaker"],
    ["sim/trace.ts", 'import { x } from "node:fs";', "a core imports no package"],
    ["impl/api/a.ts", 'import { z } from "zod";', "a core imports no package"],
    ["conformance/scenarios/a.ts", 'import { x } from "../drivers/sim/b.ts";', "may not import conformance"],
    ["impl/adapters/a.ts", 'import { x } from "../../sim/b.ts";', "impl/adapters may not import sim"],
    ["conformance/a.ts", 'import { x } from "../scripts/b.ts";', "conformance may not import scripts"],
    ["other/a.ts", "", "other/a.ts belongs to no layer"],
  ])("refuses %s with %s", (file, text, problem) => {
    expect(violationsOf(file, text).join()).toContain(problem);
  });

  it("lets a layer import what stands in its row, and itself", () => {
    const text = 'import { a } from "../wire/arp.ts";\nimport { b } from "./b.ts";';
    expect(violationsOf("impl/speaker/a.ts", text)).toEqual([]);
  });

  it("fails when it read no file", () => {
    const root = mkdtempSync(join(tmpdir(), "layers-"));
    for (const folder of ["impl", "sim", "conformance", "scripts"]) mkdirSync(join(root, folder));
    expect(checkLayers(root).problems).toEqual([`no source file was read below ${root}`]);
    writeFileSync(join(root, "sim", "a.ts"), 'import { x } from "../impl/kube/client.ts";');
    expect(checkLayers(root)).toEqual({
      files: 1,
      problems: ["sim/a.ts imports impl/kube/client.ts: sim may not import impl/kube"],
    });
  });
});
