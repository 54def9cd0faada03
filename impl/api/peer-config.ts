// BGPPeer: what one peer object means.
import { type Ip, readIp } from "../wire/ip.ts";
import { decodeUtf8, encodeUtf8 } from "../wire/text.ts";
import { formatSeconds, type Micros, micros, parseDuration, seconds } from "../wire/time.ts";
import { decodeBase64 } from "./base64.ts";
import { type BfdProfile, type Peer } from "./config.ts";
import { type Secret } from "./kubernetes.ts";
import { type BGPPeer } from "./metallb.ts";
import { attempt, type ProblemList, type Report } from "./problem.ts";
import { compileSelectors, reportDuplicateSelectors } from "./selector-list.ts";

type Spec = NonNullable<BGPPeer["spec"]>;

const DEFAULT_PORT = 179;
const BASIC_AUTH = "kubernetes.io/basic-auth";
/** The longest key that Linux takes for RFC 2385 signatures (TCP_MD5SIG_MAXKEYLEN). */
const MAX_PASSWORD_BYTES = 80;

const quoted = (namespace: string | undefined, name: string): string => `"${namespace ?? ""}"/"${name}"`;

function reportAsns(spec: Spec, report: Report): void {
  const { myASN, peerASN = 0, dynamicASN = "" } = spec;
  if (myASN === 0) report("spec.myASN", "missing local ASN");
  if (peerASN === 0 && dynamicASN === "") report("spec.peerASN", "missing peer ASN and dynamicASN");
  if (peerASN !== 0 && dynamicASN !== "") report("spec.dynamicASN", "both peer ASN and dynamicASN specified");
  if (!["", "internal", "external"].includes(dynamicASN)) {
    report("spec.dynamicASN", `invalid dynamicASN ${dynamicASN}`);
  }
  if (peerASN === myASN && (spec.ebgpMultiHop ?? false)) {
    report("spec.ebgpMultiHop", "invalid ebgp-multihop parameter set for an ibgp peer");
  }
}

function reportTarget(spec: Spec, report: Report): void {
  const { peerAddress = "", interface: link = "" } = spec;
  if (peerAddress === "" && link === "") report("spec.peerAddress", "peer has no Address or Interface specified");
  if (peerAddress !== "" && link !== "") report("spec.interface", "peer has both Address and Interface specified");
}

function parseTarget(spec: Spec, report: Report): Peer["peer"] | undefined {
  const { peerAddress = "", interface: link = "" } = spec;
  if (peerAddress === "") return link === "" ? undefined : { kind: "interface", name: link };
  const ip = readIp(peerAddress);
  if (ip !== undefined) return { kind: "address", ip };
  report("spec.peerAddress", `invalid BGPPeer address ${JSON.stringify(peerAddress)}`);
  return undefined;
}

interface Timers {
  readonly holdTime: Micros | undefined;
  readonly keepaliveTime: Micros | undefined;
}

function parseTimer(text: string | undefined, path: string, report: Report): Micros | undefined {
  return text === undefined ? undefined : attempt(report, () => parseDuration(text, path));
}

function parseTimers(name: string, spec: Spec, report: Report): Timers {
  const wrapped: Report = (path, what) =>
    report(path, what, { message: `parsing peer ${name} invalid BGPPeer timers: ${what}` });
  const hold = parseTimer(spec.holdTime, "spec.holdTime", wrapped);
  const keepalive = parseTimer(spec.keepaliveTime, "spec.keepaliveTime", wrapped);
  if (hold === undefined && keepalive === undefined) return { holdTime: undefined, keepaliveTime: undefined };
  const holdTime = hold ?? micros((keepalive ?? 0) * 3);
  const keepaliveTime = keepalive ?? micros(Math.trunc(holdTime / 3));
  // RFC 4271 section 4.2: a hold time is zero or at least three seconds; the message carries whole seconds.
  const whole = Math.trunc(holdTime / seconds(1));
  if (whole !== 0 && whole < 3) {
    wrapped("spec.holdTime", `invalid hold time "${formatSeconds(holdTime)}": must be 0 or >=3s`);
  } else if (keepaliveTime > holdTime) {
    const problem = `invalid keepaliveTime "${formatSeconds(keepaliveTime)}", must be lower than holdTime`;
    wrapped("spec.keepaliveTime", `${problem} "${formatSeconds(holdTime)}"`);
  }
  return { holdTime, keepaliveTime };
}

function parseOptionalIp(text: string | undefined, path: string, called: string, report: Report): Ip | undefined {
  if (text === undefined || text === "") return undefined;
  const ip = readIp(text);
  if (ip === undefined) report(path, `invalid ${called} ${JSON.stringify(text)}`);
  return ip;
}

function passwordProblem(password: string): string | undefined {
  if (/[\n\r]/.test(password)) return "contains invalid characters";
  if (encodeUtf8(password).length > MAX_PASSWORD_BYTES) return `is longer than ${MAX_PASSWORD_BYTES} bytes`;
  return undefined;
}

function passwordOfSecret(secret: Secret | undefined, peer: BGPPeer, report: Report): string | undefined {
  const owner = quoted(peer.metadata.namespace, peer.metadata.name);
  const context = `failed to parse peer ${peer.metadata.name} password secret`;
  const refuse = (what: string, transient = false): undefined => {
    report("spec.passwordSecret.name", what, { context, transient });
  };
  if (secret === undefined) return refuse(`secret ref not found for peer config ${owner}`, true);
  const { namespace, name } = secret.metadata;
  const called = quoted(namespace, name);
  // The space before the end of the line is part of the text that tests of MetalLB compare.
  if (secret.type !== BASIC_AUTH) return refuse(`secret type mismatch on ${called}, type "${BASIC_AUTH}" is expected `);
  const data = secret.data?.["password"];
  if (data === undefined) return refuse(`password not specified in the secret ${called}`);
  const bytes = decodeBase64(data);
  const password = bytes === undefined ? undefined : decodeUtf8(bytes);
  if (password === undefined || password.includes("\ufffd"))
    return refuse(`password in the secret ${called} is not text`);
  if (password === "") return refuse(`password in the secret ${called} is empty`);
  const problem = passwordProblem(password);
  return problem === undefined ? password : refuse(`password secret for peer ${owner} ${problem}`);
}

function parsePassword(
  peer: BGPPeer,
  spec: Spec,
  secrets: ReadonlyMap<string, Secret>,
  report: Report,
): string | undefined {
  const { password = "", passwordSecret } = spec;
  const { name = "" } = passwordSecret ?? {};
  const owner = quoted(peer.metadata.namespace, peer.metadata.name);
  if (password !== "" && name !== "") {
    report("spec.passwordSecret", `can not have both password and secret ref set in peer config ${owner}`);
    return undefined;
  }
  if (name !== "") return passwordOfSecret(secrets.get(name), peer, report);
  const problem = passwordProblem(password);
  if (problem !== undefined) report("spec.password", `password for peer ${owner} ${problem}`);
  return password === "" ? undefined : password;
}

/** Undefined where the object has no usable peer; a problem says why. */
function parsePeer(object: BGPPeer, secrets: ReadonlyMap<string, Secret>, report: Report): Peer | undefined {
  const { name } = object.metadata;
  const spec = object.spec ?? { myASN: 0 };
  reportAsns(spec, report);
  reportTarget(spec, report);
  const { holdTime, keepaliveTime } = parseTimers(name, spec, report);
  const peer = parseTarget(spec, report);
  const routerId = parseOptionalIp(spec.routerID, "spec.routerID", "router ID", report);
  const sourceAddress = parseOptionalIp(spec.sourceAddress, "spec.sourceAddress", "source IP", report);
  const selectors = spec.nodeSelectors ?? [];
  reportDuplicateSelectors(report, "spec.nodeSelectors", "nodeSelectors", selectors);
  const context = `failed to convert peer ${name} node selector`;
  const nodeSelectors = compileSelectors(report, "spec.nodeSelectors", selectors, context);
  const password = parsePassword(object, spec, secrets, report);
  const connectTime = parseTimer(spec.connectTime, "spec.connectTime", report);
  if (peer === undefined) return undefined;
  return {
    name,
    myAsn: spec.myASN,
    peerAsn: spec.dynamicASN ?? spec.peerASN ?? 0,
    localAsn: spec.localASN,
    peer,
    peerPort: (spec.peerPort ?? 0) === 0 ? DEFAULT_PORT : (spec.peerPort ?? DEFAULT_PORT),
    sourceAddress,
    holdTime,
    keepaliveTime,
    connectTime,
    routerId,
    nodeSelectors,
    password,
    bfdProfile: (spec.bfdProfile ?? "") === "" ? undefined : spec.bfdProfile,
    gracefulRestart: spec.enableGracefulRestart ?? false,
    ebgpMultiHop: spec.ebgpMultiHop ?? false,
    vrf: (spec.vrf ?? "") === "" ? undefined : spec.vrf,
    dualStackAddressFamily: spec.dualStackAddressFamily ?? false,
  };
}

export function parsePeers(
  objects: readonly BGPPeer[],
  profiles: ReadonlyMap<string, BfdProfile>,
  secrets: ReadonlyMap<string, Secret>,
  problems: ProblemList,
): ReadonlyMap<string, Peer> {
  const peers = new Map<string, Peer>();
  for (const object of objects) {
    const { name } = object.metadata;
    const report = problems.about(object, (what) => `parsing peer ${name} ${what}`);
    const peer = parsePeer(object, secrets, report);
    const profile = object.spec?.bfdProfile ?? "";
    if (profile !== "" && !profiles.has(profile)) {
      const what = `peer ${name} referencing non existing bfd profile ${profile}`;
      report("spec.bfdProfile", what, { message: what, transient: true });
    }
    if (peer === undefined) continue;
    if (peers.has(name)) {
      const what = `peer ${name} already exists`;
      report("metadata.name", what, { message: what });
    }
    peers.set(name, peer);
  }
  return peers;
}
