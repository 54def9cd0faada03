import { addressOf, contains, lengthOf, type Prefix, prefixFamily } from "../../../impl/wire/prefix.ts";
import { type PrefixRule, type RouterConfig } from "../config/model.ts";

/** The first rule that fits decides; a list that is not there, or has no rule that fits, permits nothing. */
export function permits(lists: RouterConfig["prefixLists"], name: string, prefix: Prefix): boolean {
  const rules = lists[prefixFamily(prefix)].get(name) ?? [];
  return rules.find((rule) => fits(rule, prefix))?.permit ?? false;
}

function fits({ prefix: within, atLeast, atMost }: PrefixRule, prefix: Prefix): boolean {
  const length = lengthOf(prefix);
  return length >= atLeast && length <= atMost && length >= lengthOf(within) && contains(within, addressOf(prefix));
}
