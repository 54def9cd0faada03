// What a Service may look like, and what an update leaves as it was.
import { readIp } from "../../impl/wire/ip.ts";
import { type Cause } from "./api-error.ts";
import { equal, type Fields, fieldsOf, listOf, type StoredObject, textOf, without } from "./object.ts";

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];

/** The cluster addresses that a spec names. */
export function addressesOf(spec: Fields): readonly string[] {
  const several = listOf(spec["clusterIPs"]).map(String);
  const one = textOf(spec["clusterIP"]) ?? "";
  if (several.length > 0) return several;
  return one === "" ? [] : [one];
}

const isExternal = (type: unknown): boolean => type === "NodePort" || type === "LoadBalancer";

/** The new spec, with what the server had allocated where a client left it out, and without what another type had. */
export function carriedOver(given: Fields, before: Fields): Fields {
  const type = given["type"] ?? "ClusterIP";
  let spec = given;
  if (type === "ExternalName") return without(spec, "clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy");
  if (!isExternal(type)) spec = without(spec, "externalTrafficPolicy");
  if (type !== "LoadBalancer") spec = without(spec, "allocateLoadBalancerNodePorts", "loadBalancerClass");
  if (type !== "LoadBalancer" || spec["externalTrafficPolicy"] !== "Local") spec = without(spec, "healthCheckNodePort");
  else if (before["healthCheckNodePort"] !== undefined) {
    spec = { healthCheckNodePort: before["healthCheckNodePort"], ...spec };
  }
  const families = { ipFamilyPolicy: before["ipFamilyPolicy"], ipFamilies: before["ipFamilies"] };
  for (const [name, value] of Object.entries(families)) {
    if (spec[name] === undefined && value !== undefined) spec = { ...spec, [name]: value };
  }
  return withPorts(withAddresses(spec, before), before, isExternal(type));
}

function withAddresses(spec: Fields, before: Fields): Fields {
  const [given] = addressesOf(spec);
  const [old, ...others] = addressesOf(before);
  const same = given === undefined || (given === old && listOf(spec["clusterIPs"]).length === 0);
  return same && old !== undefined ? { ...spec, clusterIP: old, clusterIPs: [old, ...others] } : spec;
}

function withPorts(spec: Fields, before: Fields, external: boolean): Fields {
  if (spec["ports"] === undefined) return spec;
  const old = listOf(before["ports"]).map(fieldsOf);
  const ports = listOf(spec["ports"]).map((item) => {
    const port = fieldsOf(item);
    if (!external) return without(port, "nodePort");
    if (port["nodePort"] !== undefined) return port;
    const { protocol = "TCP", port: number } = port;
    const same = old.find((other) => other["port"] === number && other["protocol"] === protocol);
    return same?.["nodePort"] === undefined ? port : { ...port, nodePort: same["nodePort"] };
  });
  return { ...spec, ports };
}

const invalid = (field: string, value: unknown, why: string): Cause => ({
  reason: "FieldValueInvalid",
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
});
const required = (field: string): Cause => ({ reason: "FieldValueRequired", field, message: "Required value" });
const unsupported = (field: string, value: unknown, known: readonly string[]): Cause => ({
  reason: "FieldValueNotSupported",
  field,
  message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${known.map((text) => `"${text}"`).join(", ")}`,
});

export function serviceProblems(
  object: StoredObject,
  old: StoredObject | undefined,
  clusterFamilies: readonly string[],
): readonly Cause[] {
  const spec = fieldsOf(object["spec"]);
  return [
    ...portProblems(spec),
    ...trafficProblems(spec),
    ...familyProblems(spec, clusterFamilies),
    ...(old === undefined ? [] : changeProblems(spec, fieldsOf(old["spec"]))),
    ...statusProblems(spec, fieldsOf(object["status"])),
  ];
}

function portProblems(spec: Fields): readonly Cause[] {
  const ports = listOf(spec["ports"]).map(fieldsOf);
  const portless = spec["type"] === "ExternalName" || spec["clusterIP"] === "None";
  if (ports.length === 0) return portless ? [] : [required("spec.ports")];
  const causes: Cause[] = [];
  const seen = new Set<string>();
  for (const [index, { name, protocol, port }] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    if (ports.length > 1 && (textOf(name) ?? "") === "") causes.push(required(`${at}.name`));
    const inRange = typeof port === "number" && Number.isInteger(port) && port >= 1 && port <= 65_535;
    if (!inRange) causes.push(invalid(`${at}.port`, port, "must be between 1 and 65535, inclusive"));
    if (!PROTOCOLS.includes(String(protocol))) causes.push(unsupported(`${at}.protocol`, protocol, PROTOCOLS));
    const identity = `${String(protocol)}/${String(port)}`;
    if (seen.has(identity)) {
      const message = `Duplicate value: ${JSON.stringify({ protocol, port })}`;
      causes.push({ reason: "FieldValueDuplicate", field: at, message });
    }
    seen.add(identity);
  }
  return causes;
}

function trafficProblems(spec: Fields): readonly Cause[] {
  const { type, externalTrafficPolicy: policy, loadBalancerClass } = spec;
  const causes: Cause[] = [];
  if (!TYPES.includes(String(type))) causes.push(unsupported("spec.type", type, TYPES));
  if (policy !== undefined && policy !== "Cluster" && policy !== "Local") {
    causes.push(unsupported("spec.externalTrafficPolicy", policy, ["Cluster", "Local"]));
  }
  if (loadBalancerClass !== undefined && type !== "LoadBalancer") {
    const message = "Forbidden: may only be used when `type` is 'LoadBalancer'";
    causes.push({ reason: "FieldValueForbidden", field: "spec.loadBalancerClass", message });
  }
  return causes;
}

function familyProblems(spec: Fields, clusterFamilies: readonly string[]): readonly Cause[] {
  const causes: Cause[] = [];
  if (spec["ipFamilyPolicy"] === "RequireDualStack" && clusterFamilies.length < 2) {
    const why = "this cluster is not configured for dual-stack services";
    causes.push(invalid("spec.ipFamilyPolicy", "RequireDualStack", why));
  }
  for (const [index, family] of listOf(spec["ipFamilies"]).entries()) {
    if (clusterFamilies.includes(String(family))) continue;
    causes.push(invalid(`spec.ipFamilies[${index}]`, family, "not configured on this cluster"));
  }
  for (const [index, text] of addressesOf(spec).entries()) {
    if (text === "None" || readIp(text) !== undefined) continue;
    causes.push(invalid(`spec.clusterIPs[${index}]`, text, "must be a valid IP address"));
  }
  return causes;
}

function changeProblems(spec: Fields, before: Fields): readonly Cause[] {
  const causes: Cause[] = [];
  const why = "may not change once set";
  const [primary] = addressesOf(spec);
  const [former] = addressesOf(before);
  if (former !== undefined && primary !== undefined && primary !== former) {
    causes.push(invalid("spec.clusterIPs[0]", primary, why));
  }
  const [family] = listOf(spec["ipFamilies"]);
  const [oldFamily] = listOf(before["ipFamilies"]);
  if (family !== undefined && oldFamily !== undefined && family !== oldFamily) {
    causes.push(invalid("spec.ipFamilies[0]", family, why));
  }
  const both = spec["type"] === "LoadBalancer" && before["type"] === "LoadBalancer";
  if (both && !equal(spec["loadBalancerClass"], before["loadBalancerClass"])) {
    causes.push(invalid("spec.loadBalancerClass", spec["loadBalancerClass"], why));
  }
  return causes;
}

function statusProblems(spec: Fields, status: Fields): readonly Cause[] {
  const ingress = listOf(fieldsOf(status["loadBalancer"])["ingress"]).map(fieldsOf);
  if (ingress.length > 0 && spec["type"] !== "LoadBalancer") {
    const message = 'Forbidden: may only be used when `spec.type` is "LoadBalancer"';
    return [{ reason: "FieldValueForbidden", field: "status.loadBalancer.ingress", message }];
  }
  return ingress.flatMap(({ ip }, index) => {
    if (ip === undefined || readIp(textOf(ip) ?? "") !== undefined) return [];
    return [invalid(`status.loadBalancer.ingress[${index}].ip`, ip, "must be a valid IP address")];
  });
}
