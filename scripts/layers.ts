// Who may import whom, as a table. `npm run check` holds every import of the sources against it.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

export interface Layer {
  /** A file, or a folder with everything below that no earlier row claims. */
  readonly path: string;
  readonly mayImport: readonly string[];
  /** Cores import no package and no part of Node. */
  readonly core?: true;
}

/** The first row that fits a file is its layer. A layer may always import itself. */
export const LAYERS: readonly Layer[] = [
  { path: "impl/wire", mayImport: [], core: true },
  { path: "impl/ports.ts", mayImport: ["impl/wire"], core: true },
  { path: "impl/metrics.ts", mayImport: [], core: true },
  { path: "impl/api", mayImport: ["impl/wire"], core: true },
  {
    path: "impl/controller/main.ts",
    mayImport: ["impl/adapters", "impl/shell", "impl/controller", "impl/ports.ts", "impl/metrics.ts", "impl/wire"],
  },
  {
    path: "impl/speaker/main.ts",
    mayImport: ["impl/adapters", "impl/shell", "impl/speaker", "impl/ports.ts", "impl/metrics.ts", "impl/wire"],
  },
  { path: "impl/controller", mayImport: ["impl/api", "impl/ports.ts", "impl/metrics.ts", "impl/wire"], core: true },
  { path: "impl/speaker", mayImport: ["impl/api", "impl/ports.ts", "impl/metrics.ts", "impl/wire"], core: true },
  { path: "impl/kube", mayImport: ["impl/api", "impl/ports.ts", "impl/metrics.ts", "impl/wire"], core: true },
  {
    path: "impl/shell",
    mayImport: [
      "impl/controller",
      "impl/speaker",
      "impl/kube",
      "impl/api",
      "impl/ports.ts",
      "impl/metrics.ts",
      "impl/wire",
    ],
    core: true,
  },
  {
    // Flags and files become the options of the cores here.
    path: "impl/adapters/daemon",
    mayImport: [
      "impl/adapters",
      "impl/shell",
      "impl/controller",
      "impl/speaker",
      "impl/kube",
      "impl/api",
      "impl/ports.ts",
      "impl/metrics.ts",
      "impl/wire",
    ],
  },
  {
    path: "impl/adapters",
    mayImport: ["impl/shell", "impl/kube", "impl/api", "impl/ports.ts", "impl/metrics.ts", "impl/wire"],
  },
  { path: "impl/deploy", mayImport: ["impl/api", "impl/wire"] },
  { path: "sim", mayImport: ["impl/ports.ts", "impl/wire", "impl/api"], core: true },
  {
    path: "conformance/scenarios",
    mayImport: [
      "conformance/world.ts",
      "conformance/objects.ts",
      "conformance/expect.ts",
      "conformance/steps.ts",
      "conformance/bgp-steps.ts",
      "conformance/ecmp-steps.ts",
      "conformance/failover-steps.ts",
      "conformance/raw-peer.ts",
      "conformance/raw-messages.ts",
      "conformance/raw-session.ts",
      "conformance/raw-bfd.ts",
      "impl/api",
      "impl/wire",
    ],
  },
  { path: "conformance/world.ts", mayImport: ["impl/api", "impl/wire"] },
  { path: "conformance/objects.ts", mayImport: ["impl/api", "impl/wire"] },
  { path: "conformance/expect.ts", mayImport: ["impl/wire"] },
  {
    path: "conformance/steps.ts",
    mayImport: ["conformance/world.ts", "conformance/objects.ts", "conformance/expect.ts", "impl/api", "impl/wire"],
  },
  {
    path: "conformance/bgp-steps.ts",
    mayImport: [
      "conformance/steps.ts",
      "conformance/world.ts",
      "conformance/objects.ts",
      "conformance/expect.ts",
      "impl/api",
      "impl/wire",
    ],
  },
  {
    path: "conformance/ecmp-steps.ts",
    mayImport: [
      "conformance/bgp-steps.ts",
      "conformance/steps.ts",
      "conformance/world.ts",
      "conformance/objects.ts",
      "conformance/expect.ts",
      "impl/api",
      "impl/wire",
    ],
  },
  {
    path: "conformance/failover-steps.ts",
    mayImport: [
      "conformance/bgp-steps.ts",
      "conformance/steps.ts",
      "conformance/world.ts",
      "conformance/objects.ts",
      "conformance/expect.ts",
      "impl/api",
      "impl/wire",
    ],
  },
  {
    path: "conformance/raw-peer.ts",
    mayImport: ["conformance/bgp-steps.ts", "conformance/world.ts", "conformance/objects.ts", "impl/wire"],
  },
  { path: "conformance/raw-messages.ts", mayImport: ["impl/wire"] },
  {
    path: "conformance/raw-session.ts",
    mayImport: [
      "conformance/raw-messages.ts",
      "conformance/raw-peer.ts",
      "conformance/bgp-steps.ts",
      "conformance/steps.ts",
      "conformance/world.ts",
      "conformance/objects.ts",
      "conformance/expect.ts",
      "impl/wire",
    ],
  },
  {
    path: "conformance/raw-bfd.ts",
    mayImport: [
      "conformance/raw-session.ts",
      "conformance/raw-messages.ts",
      "conformance/raw-peer.ts",
      "conformance/steps.ts",
      "conformance/world.ts",
      "conformance/objects.ts",
      "impl/wire",
    ],
  },
  { path: "conformance", mayImport: ["impl", "sim"] },
  { path: "scripts", mayImport: ["impl", "sim", "conformance"] },
];

const IMPORT = /^\s*(?:import|export)\s(?:[^"';]*?\sfrom\s)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/gm;

const within = (file: string, path: string): boolean => file === path || file.startsWith(`${path}/`);

/** Every import in a source text, in order. Comments that look like imports at the start of a line count too. */
export function importsOf(text: string): readonly string[] {
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? "");
}

/** What is wrong with the imports of one file; `file` is relative to the root, with slashes. */
export function violationsOf(file: string, text: string, layers: readonly Layer[] = LAYERS): readonly string[] {
  const layer = layers.find((row) => within(file, row.path));
  if (layer === undefined) return [`${file} belongs to no layer`];
  const isTest = file.endsWith(".test.ts");
  const problems: string[] = [];
  for (const specifier of importsOf(text)) {
    if (!specifier.startsWith(".")) {
      if (layer.core === true && !isTest) problems.push(`${file} imports ${specifier}: a core imports no package`);
      continue;
    }
    const target = join(dirname(file), specifier);
    if (isTest && (target.startsWith("impl/") || target.startsWith("sim/"))) continue;
    // Tests may use what they test with; nothing may use scripts but scripts.
    const owner = layers.find((row) => within(target, row.path));
    const allowed = within(target, layer.path) || layer.mayImport.some((path) => within(target, path));
    if (owner === undefined) problems.push(`${file} imports ${target}, which belongs to no layer`);
    else if (!allowed) problems.push(`${file} imports ${target}: ${layer.path} may not import ${owner.path}`);
  }
  return problems;
}

/** Checks every source file below `root`. */
export function checkLayers(root: string): { readonly files: number; readonly problems: readonly string[] } {
  const problems: string[] = [];
  let files = 0;
  for (const folder of ["impl", "sim", "conformance", "scripts"]) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
      const path = join(entry.parentPath, entry.name);
      files += 1;
      problems.push(...violationsOf(relative(root, path), readFileSync(path, "utf8")));
    }
  }
  if (files === 0) problems.push(`no source file was read below ${root}`);
  return { files, problems: problems.sort() };
}
