// The CRDs as the files that are installed. `npm run generate` writes them.
import { stringify } from "yaml";
import { crdName, customResourceDefinition } from "../../api/crd.ts";
import { GROUP, type Kind } from "../../api/kinds/kind.ts";
import { KINDS } from "../../api/kinds/registry.ts";

export interface GeneratedFile {
  /** From the top of the repository. */
  readonly path: string;
  readonly text: string;
}

const NAMESPACE = "metallb-system";

export function crdYaml(kind: Kind): string {
  const header = `# ${crdName(kind)}, generated from impl/api/kinds. Change it there and run npm run generate.\n`;
  return (
    header + stringify(customResourceDefinition(kind, NAMESPACE), { aliasDuplicateObjects: false, lineWidth: 120 })
  );
}

export const CRD_FILES: readonly GeneratedFile[] = KINDS.map((kind) => ({
  path: `impl/deploy/crds/${GROUP}_${kind.plural}.yaml`,
  text: crdYaml(kind),
}));
