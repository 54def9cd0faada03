import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type Micros, parseDuration } from "../../impl/wire/time.ts";
import { TopologyError } from "./problem.ts";
import { type Value, YamlFile } from "./yaml.ts";

/** A path as a person who stands where the command was started would write it. */
export function shownPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : near;
}

/** A YAML file of a topology folder. */
export function openYaml(root: string, name: string): YamlFile {
  const path = join(root, name);
  if (!existsSync(path)) throw new TopologyError(shownPath(path), 1, "there is no such file");
  return new YamlFile(shownPath(path), readFileSync(path, "utf8"));
}

/** `text` as a duration, else a problem of `value`; undefined where there is none. */
export function readDuration(value: Value, text = value.text()): Micros | undefined {
  if (text === undefined) return undefined;
  try {
    return parseDuration(text);
  } catch {
    return value.fail(`"${text}" is not a duration such as 300s`);
  }
}
