// What a Service of type LoadBalancer asks of the load balancer.
import { readIp } from "../wire/ip.ts";
import { type ReportAt, type SourceObject } from "./check-source.ts";
import { shorten } from "./problem.ts";
import { isObject } from "./schema/json-object.ts";
import { childPath } from "./schema/path.ts";
import { didYouMean } from "./schema/spelling.ts";

const PREFIX = "metallb.io/";
const OLD_PREFIX = "metallb.universe.tf/";
const KNOWN = ["address-pool", "loadBalancerIPs", "allow-shared-ip", "ip-allocated-from-pool"];
const MAX_QUOTED = 80;

function checkAnnotation(object: SourceObject, key: string, report: ReportAt): void {
  const prefix = [PREFIX, OLD_PREFIX].find((candidate) => key.startsWith(candidate));
  if (prefix === undefined) return;
  const path = childPath("metadata.annotations", key);
  const name = key.slice(prefix.length);
  if (!KNOWN.includes(name)) {
    const meant = didYouMean(name, KNOWN);
    report(object, path, `has no meaning${meant === undefined ? "" : `, did you mean ${PREFIX}${meant}?`}`, "warning");
  } else if (prefix === OLD_PREFIX) {
    report(object, path, `is deprecated, write ${PREFIX}${name}`, "warning");
  }
}

function checkAddresses(object: SourceObject, path: string, texts: readonly string[], report: ReportAt): void {
  const seen = new Set<string>();
  for (const text of texts) {
    const ip = readIp(text);
    const quoted = shorten(JSON.stringify(text), MAX_QUOTED);
    if (ip === undefined) {
      report(object, path, `${quoted} is not an IP address`);
      return;
    }
    if (seen.has(ip)) report(object, path, `names ${quoted} twice`);
    seen.add(ip);
  }
  if (seen.size > 2) report(object, path, `asks for ${seen.size} addresses, a Service has at most one of each family`);
}

export function checkService(object: SourceObject, report: ReportAt): void {
  const { metadata, spec } = object.value;
  if (!isObject(spec) || spec["type"] !== "LoadBalancer") return;
  const annotations = isObject(metadata) && isObject(metadata["annotations"]) ? metadata["annotations"] : {};
  for (const key of Object.keys(annotations)) checkAnnotation(object, key, report);
  const key = [`${PREFIX}loadBalancerIPs`, `${OLD_PREFIX}loadBalancerIPs`].find((name) =>
    Object.hasOwn(annotations, name),
  );
  const requested = key === undefined ? undefined : annotations[key];
  const single = spec["loadBalancerIP"];
  if (typeof single === "string" && single !== "") {
    checkAddresses(object, "spec.loadBalancerIP", [single], report);
    if (key !== undefined) report(object, "spec.loadBalancerIP", `cannot be set together with the annotation ${key}`);
  }
  if (key !== undefined && typeof requested === "string" && requested !== "") {
    const texts = requested.split(",").map((text) => text.trim());
    checkAddresses(object, childPath("metadata.annotations", key), texts, report);
  }
}
