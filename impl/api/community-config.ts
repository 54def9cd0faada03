// Community: names for BGP communities, which advertisements may use in their place.
import { type CommunityValue, readCommunity } from "./community.ts";
import { type Community } from "./metallb.ts";
import { type ProblemList } from "./problem.ts";

export function parseCommunities(
  objects: readonly Community[],
  problems: ProblemList,
): ReadonlyMap<string, CommunityValue> {
  const aliases = new Map<string, CommunityValue>();
  for (const object of objects) {
    const report = problems.about(object);
    for (const [index, { name = "", value = "" }] of (object.spec?.communities ?? []).entries()) {
      const path = `spec.communities[${index}]`;
      const reading = readCommunity(value);
      if (reading.kind !== "value") {
        const message = `parsing community ${JSON.stringify(name)}: ${reading.problem}`;
        report(`${path}.value`, reading.problem, { message });
        continue;
      }
      if (aliases.has(name)) report(`${path}.name`, `duplicate definition of community ${JSON.stringify(name)}`);
      else aliases.set(name, reading.value);
    }
  }
  return aliases;
}
