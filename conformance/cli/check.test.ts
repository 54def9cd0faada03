import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkCommand, checkTexts } from "./check.ts";

/** Problems without the name of the file, one line each. */
function problemsOf(text: string, namespace?: string): readonly string[] {
  return checkTexts([{ file: "x.yaml", text }], namespace).problems.map(
    ({ line, column, severity, object, field, message }) =>
      `${line}:${column} ${severity} ${[object, field, message].filter((part) => part !== "").join(": ")}`,
  );
}

const POOL = `apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata:
  name: first
  namespace: metallb-system
spec:
  addresses:
    - 10.0.0.0/24
`;
const ADVERTISEMENT = `apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: { name: all, namespace: metallb-system }
`;
const documents = (...texts: readonly string[]): string => texts.join("---\n");

describe("the text of a file", () => {
  it.each<readonly [string, string, readonly string[]]>([
    ["nothing", "", []],
    ["empty documents", "---\n---\n# nothing\n", []],
    ["a valid configuration", documents(POOL, ADVERTISEMENT), []],
    [
      "a key twice",
      documents(`${POOL}  avoidBuggyIPs: true\n  avoidBuggyIPs: false\n`, ADVERTISEMENT),
      ['10:3 error the key "avoidBuggyIPs" stands twice'],
    ],
    [
      "broken syntax",
      "a: [1\n",
      ["2:1 error Flow sequence in block collection must be sufficiently indented and end with a ]"],
    ],
    ["no object", "- 1\n", ["1:1 error is not a Kubernetes object"]],
    [
      "neither kind nor version",
      "a: b\n",
      ["1:1 error is not a Kubernetes object: it has neither apiVersion nor kind"],
    ],
    ["no version", "kind: IPAddressPool\n", ["1:1 error IPAddressPool: apiVersion: is required"]],
    ["no kind", "apiVersion: metallb.io/v1beta1\n", ["1:1 error kind: is required"]],
    [
      "no name",
      "apiVersion: metallb.io/v1beta1\nkind: Community\n",
      ["1:1 error Community: metadata.name: is required"],
    ],
    ["an object of another tool", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", []],
    [
      "an unknown kind",
      ADVERTISEMENT.replace("L2Adv", "L2adv"),
      [
        '2:1 error L2advertisement metallb-system/all: kind: unknown kind "L2advertisement" of metallb.io, did you mean L2Advertisement?',
      ],
    ],
    [
      "a kind from afar",
      ADVERTISEMENT.replace("L2Advertisement", "Bogus"),
      [
        '2:1 error Bogus metallb-system/all: kind: unknown kind "Bogus" of metallb.io, metallb.io has BFDProfile, BGPAdvertisement, BGPPeer, Community, ConfigurationState, IPAddressPool, L2Advertisement, ServiceBGPStatus, ServiceL2Status',
      ],
    ],
    [
      "an unknown version",
      documents(POOL, ADVERTISEMENT.replace("v1beta1", "v1")),
      [
        "1:1 warning IPAddressPool metallb-system/first: no advertisement is for this pool, so nothing announces its addresses",
        "10:1 error L2Advertisement metallb-system/all: apiVersion: L2Advertisement has no version metallb.io/v1, write metallb.io/v1beta1",
      ],
    ],
    [
      "a kind that is gone",
      ADVERTISEMENT.replace("L2Advertisement", "AddressPool"),
      [
        "2:1 error AddressPool metallb-system/all: kind: AddressPool is gone since MetalLB 0.14: write an IPAddressPool and an L2Advertisement or BGPAdvertisement",
      ],
    ],
    [
      "unknown fields",
      documents(
        POOL.replace("spec:", "sepc: {}\nspec:\n  autoAsign: true").replace("  name:", "  lables: {}\n  name:"),
        ADVERTISEMENT,
      ),
      [
        '4:3 error IPAddressPool metallb-system/first: metadata.lables: unknown field "lables", did you mean labels?',
        '7:1 error IPAddressPool metallb-system/first: sepc: unknown field "sepc", did you mean spec?',
        '9:3 error IPAddressPool metallb-system/first: spec.autoAsign: unknown field "autoAsign", did you mean autoAssign?',
      ],
    ],
    [
      "problems of several kinds at once",
      documents(`${POOL}    - 10.0.0.7/32\n    - 10.0.1.9-10.0.1.1\n  autoAssign: 1\n`, ADVERTISEMENT),
      [
        '9:7 error IPAddressPool metallb-system/first: spec.addresses[1]: CIDR "10.0.0.7/32" overlaps with already defined CIDR "10.0.0.0/24"',
        '10:7 error IPAddressPool metallb-system/first: spec.addresses[2]: invalid IP range "10.0.1.9-10.0.1.1": start IP "10.0.1.9" is after the end IP "10.0.1.1"',
        "11:3 error IPAddressPool metallb-system/first: spec.autoAssign: must be true or false, not the number 1",
      ],
    ],
    [
      "an object twice",
      documents(POOL, ADVERTISEMENT, POOL),
      ["17:3 error IPAddressPool metallb-system/first: metadata.name: is defined before, at x.yaml:1"],
    ],
    [
      "another namespace",
      documents(POOL, ADVERTISEMENT.replace("metallb-system", "default")),
      [
        "12:24 error L2Advertisement default/all: metadata.namespace: resource must be created in metallb-system namespace",
      ],
    ],
    [
      "a label that is a number",
      documents(POOL, ADVERTISEMENT.replace("name: all", "name: all, labels: { a: 1 }")),
      ["12:34 error L2Advertisement metallb-system/all: metadata.labels.a: must be a string (write it in quotes)"],
    ],
    [
      "a pool that nothing announces",
      POOL,
      [
        "1:1 warning IPAddressPool metallb-system/first: no advertisement is for this pool, so nothing announces its addresses",
      ],
    ],
    [
      "an advertisement for nothing",
      documents(
        POOL,
        ADVERTISEMENT,
        `${ADVERTISEMENT.replace("name: all", "name: typo")}spec: { ipAddressPools: [frist] }\n`,
      ),
      [
        '17:26 warning L2Advertisement metallb-system/typo: spec.ipAddressPools[0]: no IPAddressPool "frist" in these files',
      ],
    ],
    [
      "anchors",
      documents(POOL.replace("- 10.0.0.0/24", "- &a 10.0.0.0/24\n    - *a"), ADVERTISEMENT),
      [
        '9:7 error IPAddressPool metallb-system/first: spec.addresses[1]: CIDR "10.0.0.0/24" overlaps with already defined CIDR "10.0.0.0/24"',
      ],
    ],
    [
      "a list as kubectl prints it",
      JSON.stringify({
        apiVersion: "v1",
        kind: "List",
        items: [{ apiVersion: "metallb.io/v1beta1", kind: "IPAddressPool", metadata: { name: "p" }, spec: {} }],
      }),
      ["1:125 error IPAddressPool p: spec.addresses: is required"],
    ],
  ])("%s", (_what, text, expected) => {
    expect(problemsOf(text)).toEqual(expected);
  });

  it("may hold counters of 64 bits", () => {
    const status =
      "status: { assignedIPv4: 0, assignedIPv6: 0, availableIPv4: 1, availableIPv6: 9223372036854775807 }\n";
    expect(problemsOf(documents(POOL + status, ADVERTISEMENT))).toEqual([]);
    expect(problemsOf(documents(POOL + status.replace("807", "808"), ADVERTISEMENT))).toEqual([
      "9:63 error IPAddressPool metallb-system/first: status.availableIPv6: must fit int64, 9223372036854775808 does not",
    ]);
  });

  it("may not carry more annotations than the API server takes", () => {
    const metadata = (size: number) => `name: all, annotations: { a: "${"x".repeat(size)}" }`;
    const text = (size: number) => documents(POOL, ADVERTISEMENT.replace("name: all", metadata(size)));
    expect(problemsOf(text(262_143))).toEqual([]);
    expect(problemsOf(text(262_144))).toEqual([
      "12:24 error L2Advertisement metallb-system/all: metadata.annotations: has 262145 bytes, the API server takes 262144",
    ]);
  });

  it("may write null for what is absent", () => {
    const peer = "apiVersion: metallb.io/v1beta1\nkind: BGPPeer\nmetadata: { name: a }\nspec: null\n";
    expect(problemsOf(peer)).toContain("1:1 warning BGPPeer a: apiVersion: v1beta1 is deprecated, please use v1beta2");
  });

  it("counts objects of other kinds and leaves them alone", () => {
    const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { what: ever }\n";
    expect(checkTexts([{ file: "x.yaml", text: documents(POOL, ADVERTISEMENT, deployment) }])).toEqual({
      problems: [],
      checked: 2,
      ignored: 1,
    });
  });
});

const PEER = `apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: { name: p, namespace: metallb-system }
spec: { myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1 }
`;

describe("peers", () => {
  it.each<readonly [string, string, readonly string[]]>([
    [
      "of the old version",
      PEER.replace("v1beta2", "v1beta1"),
      ["1:1 warning BGPPeer metallb-system/p: apiVersion: v1beta1 is deprecated, please use v1beta2"],
    ],
    [
      "with a Secret that is not here",
      PEER.replace("10.0.0.1 }", "10.0.0.1, passwordSecret: { name: s } }"),
      [
        '4:80 warning BGPPeer metallb-system/p: spec.passwordSecret.name: secret ref not found for peer config "metallb-system"/"p"',
      ],
    ],
    [
      "with a profile that is not here",
      PEER.replace("10.0.0.1 }", "10.0.0.1, bfdProfile: fast }"),
      ["4:62 error BGPPeer metallb-system/p: spec.bfdProfile: peer p referencing non existing bfd profile fast"],
    ],
    [
      "for nodes that are not here",
      documents(
        PEER.replace("10.0.0.1 }", "10.0.0.1, nodeSelectors: [{ matchLabels: { zone: a } }] }"),
        PEER.replace("name: p", "name: q").replace(
          "10.0.0.1 }",
          "10.0.0.1, nodeSelectors: [{ matchLabels: { zone: b } }] }",
        ),
      ),
      [
        "9:39 warning BGPPeer metallb-system/q: spec.peerAddress: peer 10.0.0.1 already exists, Assay doesn't support duplicate BGPPeers selecting the same node (see BGPPeer p) (if some node matches the nodeSelectors of both)",
      ],
    ],
  ])("%s", (_what, text, expected) => {
    expect(problemsOf(text)).toEqual(expected);
  });

  it("with a profile that has problems of its own", () => {
    const profile = "apiVersion: metallb.io/v1\nkind: BFDProfile\nmetadata: { name: fast }\n";
    expect(problemsOf(documents(PEER.replace("10.0.0.1 }", "10.0.0.1, bfdProfile: fast }"), profile))).toEqual([
      "6:1 error BFDProfile fast: apiVersion: BFDProfile has no version metallb.io/v1, write metallb.io/v1beta1",
    ]);
  });

  it("with a Secret in plain text", () => {
    const secret =
      'apiVersion: v1\nkind: Secret\ntype: kubernetes.io/basic-auth\nmetadata: { name: s, namespace: metallb-system }\nstringData: { password: "a" }\n';
    const peer = PEER.replace("10.0.0.1 }", "10.0.0.1, passwordSecret: { name: s } }");
    expect(problemsOf(documents(peer, secret))).toEqual([]);
    expect(problemsOf(documents(peer, secret.replace('"a"', '"a\\n"')))).toEqual([
      '4:80 error BGPPeer metallb-system/p: spec.passwordSecret.name: password secret for peer "metallb-system"/"p" contains invalid characters',
    ]);
  });
});

describe("Services", () => {
  const service = (annotations: Readonly<Record<string, string>>, spec: object = {}) =>
    JSON.stringify({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "s", annotations },
      spec: { type: "LoadBalancer", ...spec },
    });
  const messages = (text: string) =>
    checkTexts([{ file: "x", text }]).problems.map(
      ({ severity, field, message }) => `${severity} ${field}: ${message}`,
    );

  it.each<readonly [string, Readonly<Record<string, string>>, object, readonly string[]]>([
    ["two addresses", { "metallb.io/loadBalancerIPs": "10.0.0.1, fc00::1" }, {}, []],
    [
      "an old prefix",
      { "metallb.universe.tf/address-pool": "a" },
      {},
      [
        'warning metadata.annotations["metallb.universe.tf/address-pool"]: is deprecated, write metallb.io/address-pool',
      ],
    ],
    [
      "a slip",
      { "metallb.io/adress-pool": "a" },
      {},
      ['warning metadata.annotations["metallb.io/adress-pool"]: has no meaning, did you mean metallb.io/address-pool?'],
    ],
    [
      "one address twice",
      { "metallb.io/loadBalancerIPs": "fc00::1,fc00:0::1" },
      {},
      ['error metadata.annotations["metallb.io/loadBalancerIPs"]: names "fc00:0::1" twice'],
    ],
    [
      "64 kB",
      { "metallb.io/loadBalancerIPs": "1".repeat(65_536) },
      {},
      [`error metadata.annotations["metallb.io/loadBalancerIPs"]: "${"1".repeat(78)}… is not an IP address`],
    ],
    [
      "a hundred addresses",
      { "metallb.io/loadBalancerIPs": Array.from({ length: 100 }, (_, index) => `10.0.0.${index}`).join(",") },
      {},
      [
        'error metadata.annotations["metallb.io/loadBalancerIPs"]: asks for 100 addresses, a Service has at most one of each family',
      ],
    ],
    [
      "annotation and field",
      { "metallb.io/loadBalancerIPs": "10.0.0.1" },
      { loadBalancerIP: "10.0.0.1" },
      ["error spec.loadBalancerIP: cannot be set together with the annotation metallb.io/loadBalancerIPs"],
    ],
    ["another type", { "metallb.io/nothing": "" }, { type: "ClusterIP", loadBalancerIP: "x" }, []],
  ])("%s", (_what, annotations, spec, expected) => {
    expect(messages(service(annotations, spec))).toEqual(expected);
  });
});

describe("configuration of other times and programs", () => {
  it("names what a ConfigMap of MetalLB 0.12 becomes", () => {
    const text = `apiVersion: v1
kind: ConfigMap
metadata: { name: config, namespace: metallb-system }
data:
  config: |
    address-pools:
    - { name: lan, protocol: layer2, addresses: [10.0.0.0/24] }
    - name: wan
      protocol: bgp
      addresses: [10.1.0.0/24]
      bgp-advertisements: [{ aggregation-length: 32 }, { aggregation-length: 24 }]
    peers: [{ peer-address: 10.0.0.1, my-asn: 1, peer-asn: 2 }]
    bgp-communities: { no-export: 65535:65281 }
    bfd-profiles: [{ name: fast }]
    peer-autodiscovery: {}
    extra: 1
`;
    expect(problemsOf(text)).toEqual(
      [
        "MetalLB reads no configuration from ConfigMaps since 0.13, and neither does Assay",
        "pool lan (protocol layer2) does not carry over: write an IPAddressPool and an L2Advertisement",
        "pool wan (protocol bgp) does not carry over: write an IPAddressPool and a BGPAdvertisement (one for each of its 2 bgp-advertisements)",
        "peer 10.0.0.1 does not carry over: write a BGPPeer of metallb.io/v1beta2",
        "bfd profile fast does not carry over: write a BFDProfile",
        "community no-export does not carry over: write a Community",
        "peer-autodiscovery does not carry over and has no successor: write a BGPPeer for each peer",
        "extra was never a part of the configuration",
      ].map((message) => `5:3 error ConfigMap metallb-system/config: data.config: ${message}`),
    );
  });

  it("leaves other ConfigMaps alone", () => {
    const text = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: config }\ndata: { config: 'a: b', peers: x }\n";
    expect(checkTexts([{ file: "x", text }])).toEqual({ problems: [], checked: 0, ignored: 1 });
  });

  it("names the statements of bgpextras", () => {
    const text =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: bgpextras }\ndata:\n  extras: |\n    router bgp 1\n    !\n      neighbor x shutdown\n";
    expect(problemsOf(text)).toEqual([
      "5:3 error ConfigMap bgpextras: data.extras: configuration for FRR does not carry over: Assay speaks BGP itself and runs no FRR",
      "5:3 error ConfigMap bgpextras: data.extras: does not carry over: router bgp 1",
      "5:3 error ConfigMap bgpextras: data.extras: does not carry over: neighbor x shutdown",
    ]);
  });

  it("names the parts of an FRRConfiguration", () => {
    const text = `apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: { name: f, namespace: frr-k8s-system }
spec:
  bgp:
    routers:
      - asn: 64512
        neighbors:
          - address: 10.0.0.1
            asn: 64513
            toReceive: { allowed: { mode: all } }
  raw: { rawConfig: "x" }
`;
    expect(problemsOf(text)).toEqual([
      "1:1 error FRRConfiguration frr-k8s-system/f: FRRConfiguration belongs to frr-k8s and is not read: write BGPPeers for its neighbors",
      "11:13 error FRRConfiguration frr-k8s-system/f: spec.bgp.routers[0].neighbors[0].toReceive: toReceive does not carry over: routes that peers send are not taken in",
      "12:3 error FRRConfiguration frr-k8s-system/f: spec.raw: raw does not carry over: configuration for FRR has no place, Assay runs no FRR",
    ]);
  });
});

describe("the command", () => {
  let directory = "";
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "check-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  async function run(args: readonly string[], stdin = ""): Promise<{ code: number; out: string; err: string }> {
    let [out, err] = ["", ""];
    const code = await checkCommand(args, {
      stdout: { write: (text) => (out += text) },
      stderr: { write: (text) => (err += text) },
      stdin: Readable.from([stdin]),
    });
    return { code, out: out.replaceAll(directory, "DIR"), err: err.replaceAll(directory, "DIR") };
  }

  it("reads a folder and exits with 0 where nothing is wrong", async () => {
    mkdirSync(join(directory, "sub"));
    writeFileSync(join(directory, "sub", "pool.yml"), POOL);
    writeFileSync(join(directory, "advertisement.yaml"), ADVERTISEMENT);
    writeFileSync(join(directory, "README.md"), "a: b: c");
    expect(await run([directory])).toEqual({ code: 0, out: "ok: 2 objects checked\n", err: "" });
  });

  it("exits with 1 where something is", async () => {
    writeFileSync(join(directory, "a.yaml"), POOL.replace("/24", "/99"));
    expect(await run([directory, "-"], ADVERTISEMENT)).toEqual({
      code: 1,
      out: 'DIR/a.yaml:8:7: error: IPAddressPool metallb-system/first: spec.addresses[0]: invalid CIDR "10.0.0.0/99"\n1 problem: 2 objects checked\n',
      err: "",
    });
  });

  it("exits with 0 where there are only warnings", async () => {
    expect(await run(["-"], POOL)).toEqual({
      code: 0,
      out: "stdin:1:1: warning: IPAddressPool metallb-system/first: no advertisement is for this pool, so nothing announces its addresses\nok, 1 warning: 1 object checked\n",
      err: "",
    });
  });

  it("prints JSON", async () => {
    const { code, out } = await run(["--json", "-"], "apiVersion: metallb.io/v1beta1\nkind: Community\n");
    expect([code, JSON.parse(out)]).toEqual([
      1,
      {
        problems: [
          {
            file: "stdin",
            line: 1,
            column: 1,
            object: "Community",
            field: "metadata.name",
            message: "is required",
            severity: "error",
          },
        ],
        checked: 0,
        ignored: 0,
      },
    ]);
  });

  it("exits with 2 where it could not read", async () => {
    const missing = join(directory, "missing.yaml");
    expect(await run([missing])).toEqual({
      code: 2,
      out: "",
      err: "assay check: DIR/missing.yaml: there is no such file or folder\n",
    });
    expect(await run([directory])).toEqual({
      code: 2,
      out: "",
      err: "assay check: no .yaml, .yml or .json file in DIR\n",
    });
    expect(await run([])).toEqual({ code: 2, out: "", err: "assay check: no FILE, DIR or - given\n" });
    expect((await run(["--bogus", directory])).code).toBe(2);
  });

  it("takes a namespace", async () => {
    expect((await run(["--namespace", "elsewhere", "-"], documents(POOL, ADVERTISEMENT))).out).toBe(
      "stdin:5:3: error: IPAddressPool metallb-system/first: metadata.namespace: resource must be created in elsewhere namespace\nstdin:12:24: error: L2Advertisement metallb-system/all: metadata.namespace: resource must be created in elsewhere namespace\n2 problems: 2 objects checked\n",
    );
  });
});
