// The two programs as they ship: one file each, and the socket addon beside them.
import { copyFileSync, existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";

export const PROGRAMS = ["controller", "speaker"] as const;
export type ProgramName = (typeof PROGRAMS)[number];

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** What the test world is made of, and what only builds. */
const FOREIGN = /^(sim|conformance|scripts|topologies)\//;

export interface BundleFile {
  readonly name: string;
  readonly bytes: number;
}

/** Where a program is in the folder that it was bundled into. */
export const programIn = (folder: string, program: ProgramName): string => join(folder, `${program}.mjs`);

const addonName = `sockets-linux-${process.arch}.node`;

/** Packages written for CommonJS ask for parts of Node with `require`. */
const REQUIRE = "const require = (name) => process.getBuiltinModule(name);";

/** Bundles both programs into a folder. Throws where something of the test world would ship. */
export async function bundlePrograms(folder: string): Promise<void> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: PROGRAMS.map((name) => ({ in: `impl/${name}/main.ts`, out: name })),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    minifySyntax: true,
    minifyWhitespace: true,
    // Names stay, so that the stack trace of a user can be read.
    minifyIdentifiers: false,
    banner: { js: REQUIRE },
    metafile: true,
    logLevel: "silent",
  });
  const strangers = foreignIn(metafile);
  if (strangers.length > 0) throw new Error(`the bundle contains ${strangers.join(", ")}`);
}

/** The same with the socket addon beside them: everything that ships. Throws where the addon is not built. */
export async function bundle(folder: string): Promise<readonly BundleFile[]> {
  const addon = join(ROOT, "impl", "native", addonName);
  if (!existsSync(addon)) throw new Error('the socket addon is not built: run "node scripts/build-native.ts"');
  await bundlePrograms(folder);
  copyFileSync(addon, join(folder, addonName));
  const names = [...PROGRAMS.map((name) => `${name}.mjs`), addonName];
  return names.map((name) => ({ name, bytes: statSync(join(folder, name)).size }));
}

/** The bundled files that must not ship. */
export function foreignIn({ inputs }: Pick<Metafile, "inputs">): readonly string[] {
  return Object.keys(inputs).filter((path) => FOREIGN.test(path));
}
