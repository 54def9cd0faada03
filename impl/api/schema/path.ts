// Paths of fields as problems name them: `spec.addresses[1]`, `metadata.labels["a.b/c"]`.

/** `spec` and `addresses` make `spec.addresses`; a key that is no plain word is put in brackets. */
export function childPath(path: string, key: string): string {
  if (!/^[A-Za-z_][\w-]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

/** The names and indices that a path goes through. */
export function pathSteps(path: string): readonly (string | number)[] {
  const steps: (string | number)[] = [];
  for (const [, word, index, key] of path.matchAll(/([A-Za-z_][\w-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g)) {
    if (word !== undefined) steps.push(word);
    else if (index !== undefined) steps.push(Number(index));
    else if (key !== undefined) steps.push(String(JSON.parse(key)));
  }
  return steps;
}
