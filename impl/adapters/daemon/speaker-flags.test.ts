import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readFlags } from "./flags.ts";
import { SPEAKER_FLAGS, speakerOptions } from "./speaker-flags.ts";
import { StartupError } from "./startup-error.ts";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-flags-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(path: string, content: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

/** The options of a speaker on node n1 whose files are in the test's folder, or why there are none. */
function options(flags: readonly string[] = [], env: Readonly<Record<string, string>> = { METALLB_NODE_NAME: "n1" }) {
  const files = [
    `--exclude-l2-config=${join(folder, "excludel2.yaml")}`,
    `--memberlist-config=${join(folder, "ml.json")}`,
  ];
  const reading = readFlags(SPEAKER_FLAGS, [...files, ...flags], env);
  if (reading.kind !== "values") throw new Error(JSON.stringify(reading));
  try {
    return speakerOptions(reading.values, { namespace: "metallb-system", podName: "speaker-x" }, () => {});
  } catch (error) {
    if (error instanceof StartupError) return error.message.replaceAll(folder, "FOLDER");
    throw error;
  }
}

const MEMBERS = { METALLB_NODE_NAME: "n1", METALLB_ML_BIND_ADDR: "192.0.2.11", METALLB_ML_LABELS: "app=metallb" };

describe("a speaker's options", () => {
  it("are the defaults where only the node is named", () => {
    expect(options()).toEqual({
      nodeName: "n1",
      podName: "speaker-x",
      namespace: "metallb-system",
      lbClass: "",
      ignoreExcludeLb: false,
      excludeInterfaces: [],
      members: undefined,
      layer2: { refresh: 0, probeFirst: false },
      bgp: { requireTtl: false },
    });
  });

  it("follow the flags", () => {
    const flags = ["--lb-class=x", "--ignore-exclude-lb", "--l2-refresh=30s", "--l2-probe-first", "--bgp-require-ttl"];
    expect(options(flags)).toMatchObject({
      lbClass: "x",
      ignoreExcludeLb: true,
      layer2: { refresh: 30e6, probeFirst: true },
      bgp: { requireTtl: true },
    });
  });

  it("need the node", () => {
    expect(options([], {})).toBe(
      "the name of this node is not known: set METALLB_NODE_NAME (fieldRef spec.nodeName) or --node-name",
    );
  });

  it("refuse what cannot be an address, a port or an interval", () => {
    expect([
      options([], { ...MEMBERS, METALLB_ML_BIND_ADDR: "node-1" }),
      options(["--ml-bindport=70000"], MEMBERS),
      options(["--l2-refresh=-1s"]),
    ]).toEqual([
      '--ml-bindaddr must be an IP address, not "node-1"',
      "--ml-bindport must be 1 to 65535",
      "--l2-refresh must not be negative",
    ]);
  });
});

describe("membership", () => {
  it("is on where address and labels are known", () => {
    expect(options(["--ml-wan-config"], MEMBERS)).toMatchObject({
      members: { bindAddress: "192.0.2.11", bindPort: 7946, labels: "app=metallb", wan: true },
    });
    expect(options(["--ml-labels="], MEMBERS)).toMatchObject({ members: undefined });
  });

  it("takes the key from the Secret's folder", () => {
    put("key/secretkey", "WmVyb1plcm9aZXJvWmVybw");
    const flag = `--ml-secret-key-path=${join(folder, "key")}`;
    expect(options([flag], MEMBERS)).toMatchObject({ members: { secret: Buffer.from("WmVyb1plcm9aZXJvWmVybw") } });
    expect(options([`--ml-secret-key-path=${folder}`], MEMBERS)).toBe(
      "FOLDER/secretkey is not there: mount the Secret of membership, or leave --ml-secret-key-path out",
    );
  });

  it("takes all its tunables from the file, where there is one", () => {
    const file = {
      TCPTimeout: "1s",
      ProbeTimeout: "500ms",
      ProbeInterval: "2s",
      GossipInterval: "200ms",
      PushPullInterval: "30s",
      GossipToTheDeadTime: "30s",
      SuspicionMult: 9,
    };
    put("ml.json", JSON.stringify(file));
    expect(options(["--ml-wan-config"], MEMBERS)).toMatchObject({
      members: { wan: false, config: { probeInterval: 2e6, suspicionMult: 9, gossipNodes: 0 } },
    });
    put("ml.json", JSON.stringify({ ...file, ProbeInterval: "soon" }));
    expect(options([], MEMBERS)).toMatch(/^FOLDER\/ml.json: ProbeInterval/);
  });
});

describe("excludel2.yaml", () => {
  it.each([
    ["announcedInterfacesToExclude: ['^docker.*', \"^lo$\"]", ["^docker.*", "^lo$"]],
    ["announcedInterfacesToExclude:\n- ^docker.*\n- ^lo$ # always\n", ["^docker.*", "^lo$"]],
    ["announcedInterfacesToExclude:\n", []],
    ["", []],
    ["other: 1\n", []],
  ])("%j", (content, excludeInterfaces) => {
    put("excludel2.yaml", content);
    expect(options()).toMatchObject({ excludeInterfaces });
  });

  it.each([
    [
      "announcedInterfacesToExclude: ^docker.*",
      "FOLDER/excludel2.yaml: announcedInterfacesToExclude must be a list of texts",
    ],
    [
      "announcedInterfacesToExclude: [1]",
      "FOLDER/excludel2.yaml: announcedInterfacesToExclude must be a list of texts",
    ],
    ["- ^lo$", "FOLDER/excludel2.yaml: must be a mapping"],
    [
      "announcedInterfacesToExclude: ['(']",
      "FOLDER/excludel2.yaml: Invalid regular expression: /(/: Unterminated group",
    ],
  ])("%j", (content, message) => {
    put("excludel2.yaml", content);
    expect(options()).toBe(message);
  });
});
