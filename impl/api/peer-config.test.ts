import { describe, expect, it } from "vitest";
import { millis, seconds } from "../wire/time.ts";
import { type BfdProfile } from "./config.ts";
import { type Secret } from "./kubernetes.ts";
import { type BFDProfile, type BGPPeer } from "./metallb.ts";
import { errorSummary, type Problem } from "./problem.ts";
import { NO_RESOURCES, parseConfig } from "./parse-config.ts";
import { bfdProfile, bgpPeer, configOf, firstError, node, secret } from "./sample-objects.ts";

type Spec = Partial<NonNullable<BGPPeer["spec"]>>;

const byLabel = (value: string) => ({ matchLabels: { zone: value } });

describe("a peer", () => {
  it.each<readonly [string, Spec, string]>([
    ["no own ASN", { myASN: 0 }, "parsing peer p missing local ASN"],
    ["no peer ASN", { peerASN: 0 }, "parsing peer p missing peer ASN and dynamicASN"],
    ["both kinds of peer ASN", { dynamicASN: "internal" }, "parsing peer p both peer ASN and dynamicASN specified"],
    [
      "multihop to an internal peer",
      { peerASN: 64512, ebgpMultiHop: true },
      "parsing peer p invalid ebgp-multihop parameter set for an ibgp peer",
    ],
    ["neither address nor interface", { peerAddress: "" }, "parsing peer p peer has no Address or Interface specified"],
    [
      "both address and interface",
      { interface: "eth0" },
      "parsing peer p peer has both Address and Interface specified",
    ],
    ["an invalid address", { peerAddress: "1.2.3.400" }, 'parsing peer p invalid BGPPeer address "1.2.3.400"'],
    ["an invalid source address", { sourceAddress: "1.2.3.400" }, 'parsing peer p invalid source IP "1.2.3.400"'],
    [
      "an invalid router ID",
      { routerID: "oh god how do I BGP" },
      'parsing peer p invalid router ID "oh god how do I BGP"',
    ],
    [
      "a hold time that is none",
      { holdTime: "foo" },
      'parsing peer p invalid BGPPeer timers: "foo" is not a duration such as 90s, 1m30s or 500ms',
    ],
    [
      "a hold time of a second",
      { holdTime: "1s" },
      'parsing peer p invalid BGPPeer timers: invalid hold time "1s": must be 0 or >=3s',
    ],
    [
      "a hold time of two seconds and a half",
      { holdTime: "2500ms" },
      'parsing peer p invalid BGPPeer timers: invalid hold time "2.5s": must be 0 or >=3s',
    ],
    [
      "keepalives after the hold time",
      { holdTime: "9s", keepaliveTime: "10s" },
      'parsing peer p invalid BGPPeer timers: invalid keepaliveTime "10s", must be lower than holdTime "9s"',
    ],
    [
      "a node selector twice",
      { nodeSelectors: [byLabel("a"), byLabel("a")] },
      'parsing peer p duplicate definition of nodeSelectors "zone=a"',
    ],
    [
      "an invalid node selector",
      { nodeSelectors: [{ matchExpressions: [{ key: "zone", operator: "surrounds", values: ["a"] }] }] },
      'parsing peer p "surrounds" is not a valid label selector operator\nfailed to convert peer p node selector',
    ],
    [
      "a label key that is none",
      { nodeSelectors: [{ matchLabels: { "a b": "c" } }] },
      'parsing peer p "a b" is not a label key: the name must be 1 to 63 letters, digits, "-", "_" or "."\nfailed to convert peer p node selector',
    ],
    [
      "password and secret",
      { password: "x", passwordSecret: { name: "s" } },
      'parsing peer p can not have both password and secret ref set in peer config "metallb-system"/"p"',
    ],
    [
      "a password of two lines",
      { password: "a\nb" },
      'parsing peer p password for peer "metallb-system"/"p" contains invalid characters',
    ],
    [
      "a password of 81 bytes",
      { password: "é".repeat(41) },
      'parsing peer p password for peer "metallb-system"/"p" is longer than 80 bytes',
    ],
    ["an unknown BFD profile", { bfdProfile: "fast" }, "peer p referencing non existing bfd profile fast"],
  ])("is refused for %s", (_what, spec, expected) => {
    expect(firstError({ bgpPeers: [bgpPeer("p", spec)] })).toBe(expected);
  });

  it.each<readonly [string, Spec]>([
    ["an internal peer", { peerASN: 64512 }],
    ["a dynamic peer", { peerASN: 0, dynamicASN: "external" }],
    ["a dynamic peer over several hops", { peerASN: 0, dynamicASN: "internal", ebgpMultiHop: true }],
    ["an unnumbered peer", { peerAddress: "", interface: "eth0" }],
    ["an IPv6 peer", { peerAddress: "fc00::1" }],
    ["a local ASN", { localASN: 64600 }],
    ["no hold time at all", { holdTime: "0s" }],
    ["disableMP", { disableMP: true }],
    ["a password of 80 bytes", { password: "é".repeat(40) }],
    [
      "graceful restart, VRF and both families",
      { enableGracefulRestart: true, vrf: "red", dualStackAddressFamily: true },
    ],
  ])("may be %s", (_what, spec) => {
    expect(firstError({ bgpPeers: [bgpPeer("p", spec)] })).toBe("ok");
  });

  it("has MetalLB's defaults", () => {
    expect(configOf({ bgpPeers: [bgpPeer("p")] }).peers.get("p")).toEqual({
      name: "p",
      myAsn: 64512,
      peerAsn: 64513,
      localAsn: undefined,
      peer: { kind: "address", ip: "10.0.0.1" },
      peerPort: 179,
      sourceAddress: undefined,
      holdTime: undefined,
      keepaliveTime: undefined,
      connectTime: undefined,
      routerId: undefined,
      nodeSelectors: [],
      password: undefined,
      bfdProfile: undefined,
      gracefulRestart: false,
      ebgpMultiHop: false,
      vrf: undefined,
      dualStackAddressFamily: false,
    });
  });

  it.each<readonly [string, Spec, number | undefined, number | undefined]>([
    ["a third of the hold time", { holdTime: "180s" }, 180, 60],
    ["three keepalives", { keepaliveTime: "20s" }, 60, 20],
    ["both as given", { holdTime: "90s", keepaliveTime: "10s" }, 90, 10],
    ["none for zero", { holdTime: "0s", keepaliveTime: "0s" }, 0, 0],
    ["the implementation's own", {}, undefined, undefined],
    ["whole seconds for the check only", { holdTime: "3500ms", keepaliveTime: "1s" }, 3.5, 1],
  ])("times its keepalives: %s", (_what, spec, hold, keepalive) => {
    const peer = configOf({ bgpPeers: [bgpPeer("p", spec)] }).peers.get("p");
    expect([peer?.holdTime, peer?.keepaliveTime]).toEqual(
      [hold, keepalive].map((time) => (time === undefined ? undefined : seconds(time))),
    );
  });
});

describe("a password in a Secret", () => {
  const spec = { passwordSecret: { name: "s" } };
  const failed = "\nfailed to parse peer p password secret";

  it.each<readonly [string, readonly Secret[], string]>([
    ["no such Secret", [], `secret ref not found for peer config "metallb-system"/"p"${failed}`],
    [
      "a Secret of another namespace",
      [{ ...secret("s", { password: "bm9wYXNz" }), metadata: { name: "s", namespace: "other" } }],
      `secret ref not found for peer config "metallb-system"/"p"${failed}`,
    ],
    [
      "a Secret of another type",
      [secret("s", { password: "bm9wYXNz" }, "Opaque")],
      `secret type mismatch on "metallb-system"/"s", type "kubernetes.io/basic-auth" is expected ${failed}`,
    ],
    [
      "a Secret without a password",
      [secret("s", { username: "bm9wYXNz" })],
      `password not specified in the secret "metallb-system"/"s"${failed}`,
    ],
    [
      "an empty password",
      [secret("s", { password: "" })],
      `password in the secret "metallb-system"/"s" is empty${failed}`,
    ],
    [
      "a password with the newline that echo added",
      [secret("s", { password: "bm9wYXNzCg==" })],
      `password secret for peer "metallb-system"/"p" contains invalid characters${failed}`,
    ],
    [
      "a password that is no text",
      [secret("s", { password: "//79" })],
      `password in the secret "metallb-system"/"s" is not text${failed}`,
    ],
    [
      "data that is no base64",
      [secret("s", { password: "bm9" })],
      `password in the secret "metallb-system"/"s" is not text${failed}`,
    ],
    [
      "a password of 84 bytes",
      [secret("s", { password: "YWFh".repeat(28) })],
      `password secret for peer "metallb-system"/"p" is longer than 80 bytes${failed}`,
    ],
  ])("is refused: %s", (_what, secrets, expected) => {
    expect(firstError({ bgpPeers: [bgpPeer("p", spec)], secrets })).toBe(`parsing peer p ${expected}`);
  });

  it("is read", () => {
    const secrets = [secret("s", { password: "bm9wYXNz" })];
    expect(configOf({ bgpPeers: [bgpPeer("p", spec)], secrets }).peers.get("p")?.password).toBe("nopass");
  });
});

describe("two peers", () => {
  const nodes = [node("n1", { zone: "a" }), node("n2", { zone: "b" })];

  it.each<readonly [string, Spec, Spec, string]>([
    [
      "one address",
      {},
      {},
      "peer 10.0.0.1 already exists, Assay doesn't support duplicate BGPPeers selecting the same node",
    ],
    [
      "one address in one VRF",
      { vrf: "red" },
      { vrf: "red" },
      "peer 10.0.0.1-red already exists, Assay doesn't support duplicate BGPPeers selecting the same node",
    ],
    [
      "one interface",
      { peerAddress: "", interface: "eth0" },
      { peerAddress: "", interface: "eth0" },
      "peer eth0 already exists, Assay doesn't support duplicate BGPPeers selecting the same node",
    ],
    [
      "one address, nodes that overlap",
      { nodeSelectors: [byLabel("a"), byLabel("b")] },
      { nodeSelectors: [byLabel("b")] },
      "peer 10.0.0.1 already exists, Assay doesn't support duplicate BGPPeers selecting the same node",
    ],
    ["one address, other nodes", { nodeSelectors: [byLabel("a")] }, { nodeSelectors: [byLabel("b")] }, "ok"],
    ["one address, other VRFs", { vrf: "red" }, { vrf: "blue" }, "ok"],
    ["one address, other ports", { peerPort: 179 }, { peerPort: 1179 }, "ok"],
    ["one address, other sources", { sourceAddress: "10.0.0.2" }, { sourceAddress: "10.0.0.3" }, "ok"],
    ["other own ASNs", { myASN: 64512 }, { myASN: 64600, peerAddress: "10.0.0.9" }, "ok"],
    ["other router IDs", { routerID: "1.1.1.1" }, { peerAddress: "10.0.0.9" }, "ok"],
  ])("on one node: %s", (_what, a, b, expected) => {
    expect(firstError({ bgpPeers: [bgpPeer("a", a), bgpPeer("b", b)], nodes })).toBe(expected);
  });

  it("are reported by name, and only the first", () => {
    const bgpPeers = [bgpPeer("z", { myASN: 0, peerAddress: "10.0.0.9" }), bgpPeer("a", { bfdProfile: "none" })];
    const parsed = parseConfig({ ...NO_RESOURCES, bgpPeers }, { namespace: "metallb-system", component: "speaker" });
    const problems: readonly Problem[] = "problems" in parsed ? parsed.problems : [];
    expect(problems.map((problem) => [problem.object, problem.path])).toEqual([
      ["BGPPeer metallb-system/a", "spec.bfdProfile"],
      ["BGPPeer metallb-system/z", "spec.myASN"],
    ]);
    expect(errorSummary(problems)).toBe("configuration error: peer a referencing non existing bfd profile none");
  });

  it("may have one name only once", () => {
    const other = { ...bgpPeer("p", { peerAddress: "10.0.0.9" }), metadata: { name: "p", namespace: "z" } };
    expect(firstError({ bgpPeers: [bgpPeer("p"), other] })).toBe("peer p already exists");
  });
});

describe("a speaker", () => {
  const nodes = [node("n1", { zone: "a" }), node("n2", { zone: "b" })];
  const bgpPeers = [
    bgpPeer("a", { nodeSelectors: [byLabel("a")] }),
    bgpPeer("b", { nodeSelectors: [byLabel("b")], myASN: 0 }),
    bgpPeer("c", { peerAddress: "10.0.0.9" }),
  ];

  it("reads the peers of its node", () => {
    expect([...configOf({ bgpPeers, nodes }, { nodeName: "n1" }).peers.keys()]).toEqual(["a", "c"]);
    expect(firstError({ bgpPeers, nodes }, { nodeName: "n2" })).toBe("parsing peer b missing local ASN");
  });

  it("takes its node's labels from elsewhere where it has not seen the node", () => {
    expect(firstError({ bgpPeers }, { nodeName: "n2", nodeLabels: { zone: "b" } })).toBe(
      "parsing peer b missing local ASN",
    );
    expect([...configOf({ bgpPeers }, { nodeName: "n2" }).peers.keys()]).toEqual(["c"]);
  });

  it("hears of a selector that is invalid", () => {
    const invalid = bgpPeer("p", { nodeSelectors: [{ matchExpressions: [{ key: "zone", operator: "Near" }] }] });
    expect(firstError({ bgpPeers: [invalid], nodes }, { nodeName: "n1" })).toContain('"Near" is not a valid');
  });
});

it("the controller reads no peers", () => {
  expect(firstError({ bgpPeers: [bgpPeer("p", { myASN: 0 })] }, { component: "controller" })).toBe("ok");
});

describe("a BFD profile", () => {
  it.each<readonly [string, NonNullable<BFDProfile["spec"]>, string]>([
    [
      "a multiplier of 1",
      { detectMultiplier: 1 },
      "parsing bfd profile #1: invalid value 1, must be in 2-255 range\ninvalid detect multiplier value",
    ],
    [
      "a receive interval of 9",
      { receiveInterval: 9 },
      "parsing bfd profile #1: invalid value 9, must be in 10-60000 range\ninvalid receive interval value",
    ],
    [
      "a transmit interval of 60001",
      { transmitInterval: 60_001 },
      "parsing bfd profile #1: invalid value 60001, must be in 10-60000 range\ninvalid transmit interval value",
    ],
    [
      "a minimum TTL of 255",
      { minimumTtl: 255 },
      "parsing bfd profile #1: invalid value 255, must be in 1-254 range\ninvalid minimum ttl value",
    ],
    [
      "an echo interval of 0",
      { echoInterval: 0 },
      "parsing bfd profile #1: invalid value 0, must be in 10-60000 range\ninvalid echo interval value",
    ],
  ])("is refused for %s", (_what, spec, expected) => {
    expect(firstError({ bfdProfiles: [bfdProfile("b", spec)] })).toBe(expected);
  });

  it("may have one name only once", () => {
    const other = { ...bfdProfile("b"), metadata: { name: "b", namespace: "z" } };
    expect(firstError({ bfdProfiles: [bfdProfile("b"), other] })).toBe("found duplicate bfd profile name b");
  });

  it("leaves to BFD what it does not set", () => {
    const spec = { receiveInterval: 50, detectMultiplier: 3, echoMode: true, minimumTtl: 254 };
    const expected: BfdProfile = {
      name: "b",
      receiveInterval: millis(50),
      transmitInterval: undefined,
      detectMultiplier: 3,
      echoInterval: undefined,
      echoMode: true,
      passiveMode: false,
      minimumTtl: 254,
    };
    expect(configOf({ bfdProfiles: [bfdProfile("b", spec)] }).bfdProfiles).toEqual(new Map([["b", expected]]));
  });
});
