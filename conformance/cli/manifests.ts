import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { type KubeObject } from "../../impl/api/kubernetes.ts";
import { UsageError } from "./output.ts";

function filesOf(path: string): readonly string[] {
  if (path === "-") return ["-"];
  if (!existsSync(path)) throw new UsageError(`there is no file or folder "${path}"`);
  if (!statSync(path).isDirectory()) return [path];
  const files = readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ya?ml|json)$/.test(name))
    .sort()
    .map((name) => join(path, name));
  if (files.length === 0) throw new UsageError(`there is no YAML or JSON file in "${path}"`);
  return files;
}

const isObject = (value: unknown): value is KubeObject =>
  typeof value === "object" && value !== null && "kind" in value && "apiVersion" in value && "metadata" in value;

/** The objects of some files and folders, lists taken apart. Syntax is checked; meaning is checked by `assay check`. */
export function readManifests(paths: readonly string[]): readonly KubeObject[] {
  const objects: KubeObject[] = [];
  const add = (value: unknown, where: string): void => {
    if (typeof value === "object" && value !== null && "items" in value && Array.isArray(value.items)) {
      for (const item of value.items) add(item, where);
    } else if (isObject(value)) objects.push(value);
    else if (value !== null)
      throw new UsageError(`${where}: a document is no Kubernetes object (kind, apiVersion and metadata)`);
  };
  for (const file of paths.flatMap(filesOf)) {
    const text = readFileSync(file === "-" ? 0 : file, "utf8");
    for (const document of parseAllDocuments(text)) {
      const [error] = document.errors;
      if (error !== undefined) throw new UsageError(`${file}: ${error.message}`);
      // Integers beyond 2^53 are kept by `check`; nothing that is simulated has any.
      add(document.toJS(), file);
    }
  }
  return objects;
}
