// What stands in no context, and the contexts that are entered from there.

import { bfdFrame } from "./bfd-statements.ts";
import { bgpFrame } from "./bgp-statements.ts";
import { type Draft, newBgp } from "./draft.ts";
import { type Command, type Frame, Grammar, ignored, lasting, oneOf, statement } from "./grammar.ts";
import { interfaceFrame, newInterface } from "./interface-statements.ts";
import { lineFrame } from "./line-statements.ts";
import { listStatements } from "./list-statements.ts";
import { routeMapEntryFrame } from "./route-map-statements.ts";
import { routeStatements } from "./route-statements.ts";
import { asn, fail, familyNamed, ipv4, number } from "./values.ts";

/** They say how a daemon writes its log, who may log in, and what processes there are. */
const IGNORED: readonly Command<Draft>[] = [
  ignored("frr version ..."),
  ignored("version ..."),
  ignored("log ..."),
  ignored("debug ..."),
  ignored("service ..."),
  ignored("password ..."),
  ignored("enable ..."),
  ignored("username ..."),
  ignored("banner ..."),
  ignored("domainname ..."),
  ignored("agentx"),
  // How long zebra keeps groups of next hops that no route uses.
  ignored("zebra nexthop-group keep ..."),
  ignored("configure ..."),
];

/** A configuration says its profile first, and what was created before would not follow. */
function setProfile(draft: Draft, profile: string): void {
  const next = profile === "datacenter" ? "datacenter" : "traditional";
  if (next !== draft.profile && draft.bgp.size > 0) fail("must stand before router bgp");
  draft.profile = next;
}

const BASICS: readonly Command<Draft>[] = [
  lasting("frr defaults PROFILE", (draft, words) => {
    const profile = words.text("PROFILE");
    if (profile !== "traditional" && profile !== "datacenter")
      fail(`"${profile}" is neither traditional nor datacenter`);
    setProfile(draft, profile);
  }),
  statement("hostname / NAME", (draft, words, no) => {
    draft.hostname = no ? undefined : words.text("NAME");
  }),
  statement("ip|ipv6 forwarding", (draft, words, no) => {
    draft.forwarding[familyNamed(words.text("ip|ipv6"))] = !no;
  }),
  statement("ip|ipv6 nht resolve-via-default", (draft, words, no) => {
    draft.resolveViaDefault[familyNamed(words.text("ip|ipv6"))] = !no;
  }),
  statement("[ip] router-id / ID", (draft, words, no) => {
    draft.routerId = no ? undefined : words.read("ID", ipv4);
  }),
];

function enterInterface(draft: Draft, name: string, vrf: string | undefined, no: boolean): Frame | undefined {
  if (no) {
    draft.interfaces.delete(name);
    return undefined;
  }
  const known = draft.interfaces.get(name) ?? newInterface(name);
  draft.interfaces.set(name, known);
  if (vrf !== undefined) known.vrf = vrf;
  if (vrf !== undefined) draft.vrfs.add(vrf);
  return interfaceFrame(known);
}

function enterBgp(draft: Draft, as: number | undefined, vrf: string | undefined, no: boolean): Frame | undefined {
  const known = draft.bgp.get(vrf ?? "");
  if (no) {
    if (known === undefined) fail("there is no such router");
    draft.bgp.delete(vrf ?? "");
    return undefined;
  }
  if (vrf !== undefined) draft.vrfs.add(vrf);
  if (known !== undefined && as !== undefined && known.asn !== as) fail(`BGP is already running; AS is ${known.asn}`);
  const bgp = known ?? newBgp(draft.profile, as ?? fail("ASN is missing"), vrf);
  draft.bgp.set(vrf ?? "", bgp);
  return bgpFrame(bgp);
}

function enterRouteMap(draft: Draft, name: string, sequence: number, permit: boolean, no: boolean): Frame | undefined {
  const map = draft.routeMaps.get(name) ?? new Map();
  if (no) {
    if (!map.delete(sequence)) fail(`route-map ${name} has no entry ${sequence}`);
    if (map.size === 0) draft.routeMaps.delete(name);
    return undefined;
  }
  const entry = map.get(sequence) ?? { sequence, permit, matches: new Map(), sets: new Map(), continueAt: undefined };
  entry.permit = permit;
  map.set(sequence, entry);
  draft.routeMaps.set(name, map);
  return routeMapEntryFrame(name, entry);
}

const CONTEXTS: readonly Command<Draft>[] = [
  {
    pattern: "interface NAME [vrf VRF]",
    run: (draft, words, no) => enterInterface(draft, words.text("NAME"), words.maybe("VRF"), no),
  },
  {
    pattern: "vrf NAME",
    run: (draft, words, no) => enterVrf(draft, words.text("NAME"), no),
  },
  {
    pattern: "router bgp / [ASN] [vrf VRF]",
    run: (draft, words, no) => enterBgp(draft, words.optional("ASN", asn), words.maybe("VRF"), no),
  },
  {
    pattern: "bfd",
    run: (draft, _words, no) => {
      if (!no) return bfdFrame(draft);
      draft.bfdProfiles.clear();
      draft.bfdPeers.clear();
      return undefined;
    },
  },
  {
    pattern: "route-map NAME permit|deny SEQUENCE",
    run: (draft, words, no) => {
      const sequence = words.read("SEQUENCE", number(1, 65535));
      return enterRouteMap(draft, words.text("NAME"), sequence, words.text("permit|deny") === "permit", no);
    },
  },
  statement("route-map NAME", (draft, words, no) => {
    if (!no) fail("permit or deny is missing, and a number");
    if (!draft.routeMaps.delete(words.text("NAME"))) fail(`there is no route-map ${words.text("NAME")}`);
  }),
  { pattern: "line vty", run: () => lineFrame() },
];

const VRF = new Grammar<Draft>([ignored("description ...")]);

function enterVrf(draft: Draft, name: string, no: boolean): Frame | undefined {
  if (no) {
    draft.vrfs.delete(name);
    return undefined;
  }
  draft.vrfs.add(name);
  const routes = new Grammar(routeStatements(name));
  return oneOf(`vrf ${name}`, [routes.on(`vrf ${name}`, draft), VRF.on(`vrf ${name}`, draft)]);
}

const TOP = new Grammar<Draft>([
  ...IGNORED,
  ...BASICS,
  ...routeStatements(undefined),
  ...listStatements(),
  ...CONTEXTS,
]);

export const topFrame = (draft: Draft): Frame => TOP.on("the configuration", draft);
