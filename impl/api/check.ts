// What is wrong with a set of manifests, found without a cluster: the schema of every object, then the rules between
// objects, then what users of MetalLB are known to trip over.
import { encodeUtf8 } from "../wire/text.ts";
import { encodeBase64 } from "./base64.ts";
import { checkAdvice } from "./check-advice.ts";
import { checkMetadata, identify } from "./check-metadata.ts";
import { checkService } from "./check-service.ts";
import {
  type CheckOptions,
  type CheckProblem,
  type CheckResult,
  type Identity,
  type ReportAt,
  type Severity,
  type SourceDocument,
  type SourceObject,
} from "./check-source.ts";
import { GROUP } from "./kinds/kind.ts";
import { findKind, KINDS } from "./kinds/registry.ts";
import { type NamespaceObject, type NodeObject, type Secret } from "./kubernetes.ts";
import { findInConfigMap, findInFrrObject } from "./legacy.ts";
import {
  type BFDProfile,
  type BGPAdvertisement,
  type BGPPeer,
  type BGPPeerV1Beta1,
  type Community,
  type IPAddressPool,
  type L2Advertisement,
} from "./metallb.ts";
import { type ConfigResources, NO_RESOURCES, parseConfig } from "./parse-config.ts";
import { describeObject, type Problem } from "./problem.ts";
import { isObject, type JsonObject } from "./schema/json-object.ts";
import { didYouMean } from "./schema/spelling.ts";
import { pathSteps } from "./schema/path.ts";
import { type SchemaNode } from "./schema/schema.ts";
import { applyDefaults, prune, withoutField } from "./schema/structure.ts";
import { type SchemaProblem, validate } from "./schema/validate.ts";

const isOwn = (identity: Identity): boolean => identity.apiVersion.startsWith(`${GROUP}/`);

const OBJECTS_OF_OTHERS = ["Node", "Namespace", "Secret"] as const;

class Checker {
  readonly #problems: (CheckProblem & { readonly order: number })[] = [];
  readonly #files: readonly string[];
  readonly #options: CheckOptions;
  #checked = 0;
  #ignored = 0;

  constructor(documents: readonly SourceDocument[], options: CheckOptions) {
    this.#files = [...new Set(documents.map((document) => document.file))];
    this.#options = options;
  }

  readonly report: ReportAt = (object, field, message, severity = "error") => {
    const { document, root, identity } = object;
    const joined = root === "" || field === "" ? `${root}${field}` : `${root}.${field}`;
    const order = this.#files.indexOf(document.file);
    const position = document.positionOf(joined);
    this.#problems.push({ file: document.file, ...position, object: identity.text, field, message, severity, order });
  };

  /** The object, ready for the rules between objects; undefined where its own faults come first. */
  checkOwn(object: SourceObject): JsonObject | undefined {
    const { value, identity } = object;
    const group = identity.apiVersion.slice(0, Math.max(0, identity.apiVersion.indexOf("/")));
    if (group === GROUP) {
      this.#checked++;
      return this.#checkKind(object);
    }
    if (identity.apiVersion === "v1" && identity.kind === "Service") {
      this.#checked++;
      checkService(object, this.report);
      return value;
    }
    if (identity.apiVersion === "v1" && OBJECTS_OF_OTHERS.some((kind) => kind === identity.kind)) {
      this.#checked++;
      return this.#checkCore(object);
    }
    const findings =
      group === `frrk8s.${GROUP}`
        ? findInFrrObject(value)
        : identity.kind === "ConfigMap"
          ? findInConfigMap(value, this.#options.parseYaml)
          : [];
    for (const { path, message } of findings) this.report(object, path, message);
    if (findings.length > 0) this.#checked++;
    else this.#ignored++;
    return undefined;
  }

  /** Of kinds that the API server knows by itself only that is checked which other objects refer to. */
  #checkCore(object: SourceObject): JsonObject | undefined {
    checkMetadata(object, this.report);
    const value = { ...object.value, metadata: usableMetadata(object) };
    return object.identity.kind === "Secret" ? storedSecret(value) : value;
  }

  #checkKind(object: SourceObject): JsonObject | undefined {
    const { value, identity } = object;
    const found = findKind(identity.apiVersion, identity.kind);
    if (found === undefined) {
      this.#reportUnknownKind(object);
      return undefined;
    }
    const { version } = found;
    if (version.deprecated !== undefined) this.report(object, "apiVersion", version.deprecated, "warning");
    checkMetadata(object, this.report);
    const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...body } = value;
    const problems = validate(version.schema, body);
    for (const { path, what } of problems) this.report(object, path, what);
    const usable = usablePart(version.schema, body, problems);
    // Fields that are null are absent: an API server drops them.
    const { apiVersion, kind } = identity;
    return usable === undefined ? undefined : { apiVersion, kind, metadata: usableMetadata(object), ...usable };
  }

  #reportUnknownKind(object: SourceObject): void {
    const { apiVersion, kind } = object.identity;
    if (kind === "AddressPool") {
      const successor = "write an IPAddressPool and an L2Advertisement or BGPAdvertisement";
      this.report(object, "kind", `AddressPool is gone since MetalLB 0.14: ${successor}`);
      return;
    }
    const known = KINDS.find((candidate) => candidate.kind === kind);
    if (known !== undefined) {
      const versions = known.versions.map((version) => `${GROUP}/${version.name}`).join(" or ");
      this.report(object, "apiVersion", `${kind} has no version ${apiVersion}, write ${versions}`);
      return;
    }
    const names = KINDS.map((candidate) => candidate.kind);
    const meant = didYouMean(kind, names);
    const hint = meant === undefined ? `, ${GROUP} has ${names.join(", ")}` : `, did you mean ${meant}?`;
    this.report(object, "kind", `unknown kind ${JSON.stringify(kind)} of ${GROUP}${hint}`);
  }

  result(): CheckResult {
    const sorted = this.#problems.toSorted((a, b) => a.order - b.order || a.line - b.line || a.column - b.column);
    const problems = sorted.map(({ order: _order, ...problem }) => problem);
    return { problems, checked: this.#checked, ignored: this.#ignored };
  }
}

/** The body without the fields that have problems; undefined where what is left still has some. */
function usablePart(schema: SchemaNode, body: JsonObject, problems: readonly SchemaProblem[]): JsonObject | undefined {
  const broken = problems.filter((problem) => problem.reason === "type" || problem.reason === "value");
  const rest = broken.reduce<unknown>((value, problem) => withoutField(value, pathSteps(problem.path)), body);
  const complete = applyDefaults(schema, prune(schema, rest));
  const left = validate(schema, complete).some((problem) => problem.reason !== "rule");
  return left || !isObject(complete) ? undefined : complete;
}

/** Name, namespace and the labels that are texts. */
function usableMetadata({ value, identity }: SourceObject): JsonObject {
  const metadata = isObject(value["metadata"]) ? value["metadata"] : {};
  const labels = Object.entries(isObject(metadata["labels"]) ? metadata["labels"] : {});
  const { name, namespace } = identity;
  const texts = Object.fromEntries(labels.filter(([, text]) => typeof text === "string"));
  return { name, ...(namespace === "" ? {} : { namespace }), labels: texts };
}

/** A Secret as the API server stores it: what stands in stringData in plain text is in data in base64. */
function storedSecret(secret: JsonObject): JsonObject {
  const texts = (value: unknown): readonly (readonly [string, string])[] =>
    Object.entries(isObject(value) ? value : {}).flatMap(([key, text]) =>
      typeof text === "string" ? [[key, text] as const] : [],
    );
  const { stringData, data, ...rest } = secret;
  const encoded = texts(stringData).map(([key, text]) => [key, encodeBase64(encodeUtf8(text))] as const);
  return { ...rest, data: Object.fromEntries([...texts(data), ...encoded]) };
}

/** Objects of a document; a List, as kubectl prints it, holds several. */
function objectsOf(document: SourceDocument): readonly { readonly root: string; readonly value: unknown }[] {
  const { value } = document;
  if (value === null || value === undefined) return [];
  if (!isObject(value) || !Array.isArray(value["items"]) || !String(value["kind"]).endsWith("List")) {
    return [{ root: "", value }];
  }
  return value["items"].map((item: unknown, index) => ({ root: `items[${index}]`, value: item }));
}

interface ByKind {
  readonly IPAddressPool: IPAddressPool;
  readonly L2Advertisement: L2Advertisement;
  readonly BGPAdvertisement: BGPAdvertisement;
  readonly BGPPeer: BGPPeer | BGPPeerV1Beta1;
  readonly BFDProfile: BFDProfile;
  readonly Community: Community;
  readonly Namespace: NamespaceObject;
  readonly Node: NodeObject;
  readonly Secret: Secret;
}

function ofKind<K extends keyof ByKind>(objects: readonly JsonObject[], kind: K): readonly ByKind[K][] {
  return objects.filter((object) => object["kind"] === kind) as readonly unknown[] as readonly ByKind[K][];
}

/** Objects that their schemas have let pass. */
function resourcesOf(objects: readonly JsonObject[]): ConfigResources {
  return {
    ...NO_RESOURCES,
    pools: ofKind(objects, "IPAddressPool"),
    l2Advertisements: ofKind(objects, "L2Advertisement"),
    bgpAdvertisements: ofKind(objects, "BGPAdvertisement"),
    bgpPeers: ofKind(objects, "BGPPeer"),
    bfdProfiles: ofKind(objects, "BFDProfile"),
    communities: ofKind(objects, "Community"),
    namespaces: ofKind(objects, "Namespace"),
    nodes: ofKind(objects, "Node"),
    secrets: ofKind(objects, "Secret"),
  };
}

function severityOf(problem: Problem): Severity {
  // A Secret seldom stands beside the manifests that name it.
  const absentSecret = problem.transient && problem.path.startsWith("spec.passwordSecret");
  return absentSecret || problem.assuming !== undefined ? "warning" : "error";
}

function chooseNamespace(objects: readonly SourceObject[], options: CheckOptions): string {
  if (options.namespace !== undefined) return options.namespace;
  const own = objects.find(({ identity }) => isOwn(identity) && identity.namespace !== "");
  return own?.identity.namespace ?? "metallb-system";
}

function checkNamespace(object: SourceObject, namespace: string, report: ReportAt): void {
  const { identity } = object;
  if (!isOwn(identity) || identity.namespace === "" || identity.namespace === namespace) return;
  report(object, "metadata.namespace", `resource must be created in ${namespace} namespace`);
}

/** Objects without those that repeat the name of an earlier one, which are reported. */
function withoutRepetitions(objects: readonly SourceObject[], report: ReportAt): readonly SourceObject[] {
  const first = new Map<string, SourceObject>();
  return objects.filter((object) => {
    const { identity } = object;
    if (!isOwn(identity) && identity.apiVersion !== "v1") return true;
    const key = `${identity.apiVersion.split("/")[0]} ${identity.text}`;
    const earlier = first.get(key);
    if (earlier === undefined) {
      first.set(key, object);
      return true;
    }
    const { line } = earlier.document.positionOf(earlier.root);
    report(object, "metadata.name", `is defined before, at ${earlier.document.file}:${line}`);
    return false;
  });
}

export function checkDocuments(documents: readonly SourceDocument[], options: CheckOptions): CheckResult {
  const checker = new Checker(documents, options);
  const { report } = checker;
  const objects = documents.flatMap((document) =>
    objectsOf(document).flatMap(({ root, value }) => identify(document, root, value, report)),
  );
  const distinct = withoutRepetitions(objects, report);
  const namespace = chooseNamespace(distinct, options);
  const usable = new Map<string, SourceObject>();
  const values: JsonObject[] = [];
  for (const object of distinct) {
    checkNamespace(object, namespace, report);
    const value = checker.checkOwn(object);
    if (value === undefined) continue;
    values.push(value);
    usable.set(object.identity.text, object);
  }
  const resources = resourcesOf(values);
  const parsed = parseConfig(resources, { namespace, component: "speaker" });
  // What an object with faults of its own would have defined is not missing.
  const incomplete = distinct.some(({ identity }) => isOwn(identity) && !usable.has(identity.text));
  for (const problem of "problems" in parsed ? parsed.problems : []) {
    const object = usable.get(problem.object);
    if (object === undefined || (problem.transient && incomplete)) continue;
    const assumption = problem.assuming === undefined ? "" : ` (if ${problem.assuming})`;
    report(object, problem.path, problem.what + assumption, severityOf(problem));
  }
  checkAdvice(resources, (described, field, message) => {
    const object = usable.get(describeObject(described));
    if (object !== undefined) report(object, field, message, "warning");
  });
  return checker.result();
}
