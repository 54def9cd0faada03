import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { UsageError } from "./output.ts";
import { type SimulateFlags, simulateCommand } from "./simulate.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-simulate-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

interface Outcome {
  readonly exitCode: number;
  readonly problems: readonly { readonly line: number; readonly column: number; readonly message: string }[];
  readonly notes: readonly string[];
  readonly refused: readonly string[];
  readonly timeline: readonly { readonly seconds: number; readonly kind: string; readonly text: string }[];
  readonly services: readonly {
    readonly service: string;
    readonly addresses: readonly string[];
    readonly owners: readonly string[];
    readonly because: string | null;
  }[];
  readonly clients: readonly { readonly longestOutageSeconds: number; readonly sinceSeconds: number | null }[];
  readonly hash: string;
}

/** Runs the command on a text and gives what it wrote as JSON. */
async function simulate(text: string, flags: Partial<SimulateFlags> = {}): Promise<Outcome> {
  const file = join(folder, "manifests.yaml");
  const json = join(folder, "report.json");
  writeFileSync(file, text);
  vi.spyOn(console, "log").mockReturnValue();
  const code = await simulateCommand({ file: [file], fault: [], for: "4s", seed: "1", json, ...flags });
  const outcome: Outcome = JSON.parse(readFileSync(json, "utf8"));
  expect(code).toBe(outcome.exitCode);
  return outcome;
}

const servicesOf = ({ services }: Outcome): readonly string[] =>
  services.map(({ service, addresses, owners, because }) => {
    const who = owners.length === 0 ? "nobody" : "somebody";
    return `${service} ${addresses.join("+") || "none"} ${who}${because === null ? "" : `: ${because}`}`;
  });

const documents = (...texts: readonly string[]): string => texts.join("---\n");
const pool = (addresses: string, namespace = "metallb-system") => `apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: { name: pool, namespace: ${namespace} }
spec: { addresses: [${addresses}] }
`;
const advertisement = (spec = "{}", namespace = "metallb-system") => `apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: { name: advertisement, namespace: ${namespace} }
spec: ${spec}
`;
const service = (name: string, spec = "", metadata = "") => `apiVersion: v1
kind: Service
metadata: { name: ${name}${metadata} }
spec: { type: LoadBalancer, selector: { app: ${name} }, ports: [{ port: 80, targetPort: 8443 }]${spec} }
`;

describe("assay simulate", () => {
  it.each<readonly [string, string, number, readonly string[]]>([
    [
      "an address and an owner",
      documents(pool("192.0.2.150/32"), advertisement(), service("a")),
      0,
      ["default/a 192.0.2.150 somebody"],
    ],
    [
      "two families",
      documents(
        pool("192.0.2.150/32, 2001:db8:0:2::150/128"),
        advertisement(),
        service("a", ", ipFamilyPolicy: RequireDualStack"),
      ),
      0,
      ["default/a 192.0.2.150+2001:db8:0:2::150 somebody"],
    ],
    [
      "another namespace",
      documents(pool("192.0.2.150/32", "lb"), advertisement("{}", "lb"), service("a")),
      0,
      ["default/a 192.0.2.150 somebody"],
    ],
    [
      "a LAN of the person's own",
      documents(pool("192.168.1.240/30"), advertisement(), service("a")),
      0,
      ["default/a 192.168.1.240 somebody"],
    ],
    [
      "no pool",
      service("a"),
      1,
      ['default/a none nobody: Failed to allocate IP for "default/a": no available IPs: there is no IPAddressPool'],
    ],
    [
      "a full pool",
      documents(pool("192.0.2.150/32"), advertisement(), service("a"), service("b")),
      1,
      [
        "default/a 192.0.2.150 somebody",
        'default/b none nobody: Failed to allocate IP for "default/b": no available IPs: pool "pool" has no free IPv4 address',
      ],
    ],
    [
      "nobody to announce",
      documents(pool("192.0.2.150/32"), service("a")),
      1,
      [
        'default/a 192.0.2.150 nobody: no node announces ["192.0.2.150"]: neither an L2Advertisement nor a BGPAdvertisement selects pool "pool"',
      ],
    ],
    [
      "no node to announce",
      documents(
        pool("192.0.2.150/32"),
        advertisement("{ nodeSelectors: [{ matchLabels: { zone: x } }] }"),
        service("a"),
      ),
      1,
      [
        'default/a 192.0.2.150 nobody: no node announces ["192.0.2.150"]: no node matches the nodeSelectors of its L2Advertisements ("advertisement")',
      ],
    ],
    [
      "a class of another",
      documents(pool("192.0.2.150/32"), advertisement(), service("a", ", loadBalancerClass: other.io/lb")),
      1,
      ['default/a none nobody: its loadBalancerClass "other.io/lb" leaves it to another load balancer'],
    ],
  ])("%s", async (_what, text, code, expected) => {
    const outcome = await simulate(text, { for: "6s" });
    expect([outcome.exitCode, ...servicesOf(outcome)]).toEqual([code, ...expected]);
  });

  it("tells the story of a crash", async () => {
    const text = documents(pool("192.0.2.150/32"), advertisement(), service("a"));
    const { timeline, clients } = await simulate(text, { fault: ["5s crash owner"], for: "15s" });
    expect(timeline.map(({ kind, text: line }) => `${kind}: ${line.replace(/after .*/, "after …")}`)).toEqual([
      "address: default/a gets 192.0.2.150",
      "owner: 192.0.2.150 (default/a) is announced by k8s-worker2 on eth1",
      "client: client: 192.0.2.150 (default/a) answers",
      "fault: crash owner (k8s-worker2)",
      "client: client: 192.0.2.150 (default/a) is silent",
      "owner: 192.0.2.150 (default/a) moves from k8s-worker2 to k8s-worker on eth1",
      "client: client: 192.0.2.150 (default/a) answers again, after …",
      // The dead node's backend is not taken out before its node counts as not ready.
      "client: client: 192.0.2.150 (default/a) leaves some requests unanswered",
    ]);
    const [outage = 0] = clients.map(({ longestOutageSeconds }) => longestOutageSeconds);
    expect(outage).toBeGreaterThan(1);
    expect(outage).toBeLessThan(9);
  });

  it("gives the same run for the same seed, and another for another", async () => {
    const text = documents(pool("192.0.2.150/32"), advertisement(), service("a"));
    const hashes: string[] = [];
    for (const seed of ["1", "1", "2"]) hashes.push((await simulate(text, { seed })).hash);
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[0]).not.toBe(hashes[2]);
  });

  it("goes on where keys stand twice or are unknown, and says where", async () => {
    const text = documents(
      pool("192.0.2.150/32").replace("spec: {", "spec: { autoasign: true, autoasign: true,"),
      advertisement(),
      service("a"),
    );
    const { exitCode, problems } = await simulate(text);
    expect(exitCode).toBe(1);
    expect(problems.map(({ line, column, message }) => `${line}:${column} ${message}`)).toEqual([
      '4:9 unknown field "autoasign", did you mean autoAssign?',
      '4:26 the key "autoasign" stands twice',
    ]);
  });

  it("counts what the API server refused, and faults that struck nobody", async () => {
    const broken = service("b").replace("ports: [", "ports: [{ port: 81 }, ");
    const outcome = await simulate(documents(pool("192.0.2.150/32"), advertisement(), service("a"), broken), {
      fault: ["0s crash owner"],
    });
    expect(outcome.exitCode).toBe(1);
    expect(outcome.refused).toEqual([
      'Service default/b: Service "b" is invalid: [spec.ports[0].name: Required value, spec.ports[1].name: Required value]',
    ]);
    expect(outcome.timeline[0]).toEqual({
      seconds: 0,
      kind: "fault",
      text: "crash owner: strikes nobody, as nobody holds an address at that time",
    });
  });

  it.each<readonly [string, Partial<SimulateFlags>, string]>([
    ["no manifests", { file: [] }, "nothing to simulate: give manifests with -f, or --demo for the sample"],
    ["a file that is not there", { file: ["/nowhere.yaml"] }, "/nowhere.yaml: there is no such file or folder"],
    ["a time that is none", { for: "soon" }, '--for: "soon" is not a duration such as 90s, 1m30s or 500ms'],
    ["no time", { for: "0s" }, "--for 0s: it must be longer than that"],
    ["no seed", { seed: "" }, "--seed: may not be empty"],
    [
      "a result that cannot be written",
      { pcap: "/nowhere/run.pcapng" },
      "--pcap /nowhere/run.pcapng: there is no folder /nowhere",
    ],
    ["a folder for a result", { json: "/" }, "--json /: is a folder"],
  ])("does not begin with %s", async (_what, flags, message) => {
    await expect(simulate(service("a"), flags)).rejects.toThrow(new UsageError(message));
  });

  it("does not begin with a document that cannot be read", async () => {
    const file = join(folder, "broken.yaml");
    writeFileSync(file, "a: [1\n");
    vi.spyOn(console, "log").mockReturnValue();
    expect(await simulateCommand({ file: [file], fault: [], seed: "1" })).toBe(2);
  });
});
