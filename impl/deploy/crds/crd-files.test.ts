import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { customResourceDefinition } from "../../api/crd.ts";
import { KINDS } from "../../api/kinds/registry.ts";
import { CRD_FILES } from "./crd-files.ts";

const here = new URL(".", import.meta.url);

it.each(CRD_FILES)("$path is what the kinds say", ({ path, text }) => {
  const name = path.slice(path.lastIndexOf("/") + 1);
  expect(readFileSync(new URL(name, here), "utf8")).toBe(text);
});

it("leaves no file of a kind that is gone", () => {
  const files = readdirSync(here).filter((name) => name.endsWith(".yaml"));
  expect(files.toSorted()).toEqual(CRD_FILES.map(({ path }) => path.slice(path.lastIndexOf("/") + 1)).toSorted());
});

it("writes YAML that reads back as the definition", () => {
  const read = CRD_FILES.map(({ text }) => parse(text) as unknown);
  expect(read).toEqual(KINDS.map((kind) => customResourceDefinition(kind, "metallb-system")));
});
