/**
 * Orders two resourceVersions. They are decimal numbers that grow, and clients may compare them
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions).
 */
export function compareVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
