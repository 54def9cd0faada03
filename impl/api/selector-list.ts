// Lists of label selectors in the spec of an object: every list is a set of alternatives.
import { type LabelSelector } from "./kubernetes.ts";
import { attempt, type Report } from "./problem.ts";
import { compileSelector, readSelector, type Selector } from "./selector.ts";

/** The position of the first value that stands at an earlier place already. */
export function firstDuplicate(
  values: readonly string[],
): { readonly index: number; readonly value: string } | undefined {
  const seen = new Set<string>();
  for (const [index, value] of values.entries()) {
    if (seen.has(value)) return { index, value };
    seen.add(value);
  }
  return undefined;
}

/** Refuses a name that a list holds twice; `called` is what MetalLB calls the list. */
export function reportDuplicates(report: Report, path: string, called: string, values: readonly string[]): void {
  const duplicate = firstDuplicate(values);
  if (duplicate === undefined) return;
  report(`${path}[${duplicate.index}]`, `duplicate definition of ${called} ${JSON.stringify(duplicate.value)}`);
}

/** Equal for selectors that are written alike but for the order of labels and of values. */
function writtenForm(selector: LabelSelector): string {
  const labels = Object.entries(selector.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([labels, (selector.matchExpressions ?? []).map(writtenExpression)]);
}

function writtenExpression(expression: {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}): string {
  return JSON.stringify([expression.key, expression.operator, [...(expression.values ?? [])].sort()]);
}

function reportExpressionDuplicates(report: Report, selector: LabelSelector, path: string): void {
  const expressions = selector.matchExpressions ?? [];
  for (const [index, expression] of expressions.entries()) {
    const called = "match expression value in label selector";
    reportDuplicates(report, `${path}.matchExpressions[${index}].values`, called, expression.values ?? []);
  }
  const duplicate = firstDuplicate(expressions.map(writtenExpression));
  if (duplicate === undefined) return;
  const { key, operator } = expressions[duplicate.index] ?? { key: "", operator: "" };
  const what = `duplicate definition of match expressions ${JSON.stringify(`${key} ${operator}`)}`;
  report(`${path}.matchExpressions[${duplicate.index}]`, what);
}

export function reportDuplicateSelectors(
  report: Report,
  path: string,
  called: string,
  selectors: readonly LabelSelector[],
): void {
  for (const [index, selector] of selectors.entries())
    reportExpressionDuplicates(report, selector, `${path}[${index}]`);
  const duplicate = firstDuplicate(selectors.map(writtenForm));
  if (duplicate === undefined) return;
  report(
    `${path}[${duplicate.index}]`,
    `duplicate definition of ${called} ${JSON.stringify(readSelector(selectors[duplicate.index] ?? {})?.text ?? duplicate.value)}`,
  );
}

/** Compiles what can be compiled; the rest is reported, with `context` as the second line of the message. */
export function compileSelectors(
  report: Report,
  path: string,
  selectors: readonly LabelSelector[],
  context: string,
): readonly Selector[] {
  return selectors.flatMap((selector, index) => {
    const compiled = attempt(report, () => compileSelector(selector, `${path}[${index}]`), { context });
    return compiled === undefined ? [] : [compiled];
  });
}

/** By text, so that the order in which a person wrote alternatives changes nothing. */
export function sortSelectors(selectors: readonly Selector[]): readonly Selector[] {
  return [...selectors].sort((a, b) => (a.text < b.text ? -1 : Number(a.text > b.text)));
}
