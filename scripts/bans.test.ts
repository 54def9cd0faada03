// One planted violation of each ban on what cores may do, to see that the tools catch it.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const bin = (name: string): string => resolve("node_modules/.bin", name);

function output(command: string, args: readonly string[], cwd: string): string {
  try {
    return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    if (error instanceof Error && "stdout" in error && "stderr" in error) return `${error.stdout}${error.stderr}`;
    throw error;
  }
}

const LINTED: Readonly<Record<string, string>> = {
  "async.ts": "export async function wait(): Promise<number> {\n  return await Promise.resolve(1);\n}\n",
  "clock.ts": "export const now = (): number => Date.now();\n",
  "timer.ts": "export const wait = (f: () => void): unknown => setTimeout(f, 1);\n",
  "random.ts": "export const draw = (): number => Math.random();\n",
  "any.ts": "export const f = (x: any): unknown => x;\n",
  "bang.ts": "export const f = (x: string | undefined): string => x!;\n",
  "default.ts": "export default 1;\n",
};

const TYPED: Readonly<Record<string, string>> = {
  "console.ts": 'console.log("x");\nexport {};\n',
  "global-timer.ts": "globalThis.setTimeout(() => undefined, 1);\nexport {};\n",
  "process.ts": "export const x = process.env;\n",
  "node.ts": 'import { readFileSync } from "node:fs";\nexport const x = readFileSync;\n',
  "enum.ts": "export enum Colour { red }\n",
};

describe("what cores may not do", () => {
  it("is caught by the linter", () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "bans-"));
    const root = folder.path;
    copyFileSync(".oxlintrc.json", join(root, ".oxlintrc.json"));
    mkdirSync(join(root, "sim"));
    for (const [name, text] of Object.entries(LINTED)) writeFileSync(join(root, "sim", name), text);
    const found = output(bin("oxlint"), ["-c", ".oxlintrc.json", "--format", "unix"], root);
    expect(Object.keys(LINTED).filter((name) => !found.includes(`sim/${name}`))).toEqual([]);
  });

  it("is a type error", () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "bans-"));
    const root = folder.path;
    mkdirSync(join(root, "sim"));
    copyFileSync("tsconfig.json", join(root, "tsconfig.json"));
    copyFileSync("tsconfig.cores.json", join(root, "tsconfig.cores.json"));
    for (const [name, text] of Object.entries(TYPED)) writeFileSync(join(root, "sim", name), text);
    const found = output(bin("tsc"), ["-p", "tsconfig.cores.json"], root);
    expect(Object.keys(TYPED).filter((name) => !found.includes(`sim/${name}`))).toEqual([]);
  });
});

describe("the runtime", () => {
  it("is Node 24 or newer, whatever Node started npm", () => {
    expect(Number(process.versions.node.split(".")[0])).toBeGreaterThanOrEqual(24);
  });
});
