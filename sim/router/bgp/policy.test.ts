// Expected: what bgpd of FRR took into its table, and what it told its neighbours (golden/README.md).
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type BgpMessage, decodeMessage } from "../../../impl/wire/bgp/message.ts";
import { WELL_KNOWN_COMMUNITIES } from "../../../impl/wire/bgp/communities.ts";
import { hex } from "../../../impl/wire/golden/hex.ts";
import { parseIp } from "../../../impl/wire/ip.ts";
import { type PathView } from "../views.ts";
import { TestNetwork } from "../test-network.ts";
import { openOf, TestPeer } from "../test-peer.ts";
import { routesInWords } from "../../../impl/wire/bgp/golden/in-words.ts";

interface Row {
  readonly peer: string;
  readonly path: string;
  readonly origin: string;
  readonly med: number | null;
  readonly localPref: number | null;
  readonly communities: readonly string[];
  readonly best: boolean;
}

interface Golden {
  readonly peers: Readonly<
    Record<string, { readonly address: string; readonly asn: number; readonly routerId: string }>
  >;
  readonly told: readonly { readonly peer: string; readonly hex: string }[];
  readonly cases: readonly {
    readonly name: string;
    readonly config: readonly string[];
    readonly table: Readonly<Record<string, readonly Row[]>>;
    readonly heard: Readonly<Record<string, readonly string[]>>;
  }[];
}

const golden: Golden = JSON.parse(readFileSync(new URL("../golden/policy.json", import.meta.url), "utf8"));
const OWN_AS = 64_500;

/** FRR's words for communities. */
const NAMES: Readonly<Record<string, string>> = {
  [WELL_KNOWN_COMMUNITIES.noExport]: "no-export",
  [WELL_KNOWN_COMMUNITIES.noAdvertise]: "no-advertise",
  [WELL_KNOWN_COMMUNITIES.noExportSubconfed]: "local-AS",
  [WELL_KNOWN_COMMUNITIES.gracefulShutdown]: "graceful-shutdown",
};

/** What remains of what a neighbour was told. */
function told(messages: readonly BgpMessage[]): readonly string[] {
  const routes = new Map<string, string>();
  for (const message of messages) {
    if (message.kind !== "update") continue;
    expect(message.faults).toEqual([]);
    for (const prefix of message.withdrawn) routes.delete(prefix);
    for (const each of message.announced) {
      for (const prefix of each.prefixes) routes.set(prefix, routesInWords({ ...each, prefixes: [prefix] }));
    }
  }
  return [...routes.values()].toSorted();
}

function play({ config }: Golden["cases"][number]) {
  const network = new TestNetwork();
  const router = network.router("router", config.join("\n"));
  const host = network.host("peers");
  const peers = new Map(
    Object.entries(golden.peers).map(([name, { address, asn, routerId }]) => {
      const source = parseIp(address);
      host.addAddress("eth1", `${address}/24`);
      const internal = asn === OWN_AS;
      const peer = new TestPeer(host, { source, to: parseIp("10.0.0.1"), open: openOf(asn, routerId), internal });
      return [name, peer.dial()];
    }),
  );
  network.run(3);
  for (const { peer, hex: digits } of golden.told) {
    peers.get(peer)?.say(hex(digits));
    network.run(0.2);
  }
  network.run(3);
  return { router, peers };
}

const nameOf = (address: string): string =>
  Object.entries(golden.peers).find(([, peer]) => peer.address === address)?.[0] ?? "local";

const ours = ({ prefix, peer, origin, asPath, localPref, med, communities, best }: PathView): string =>
  inWords(prefix, {
    peer: nameOf(peer),
    path: asPath.join(" "),
    origin,
    med: med ?? null,
    localPref: localPref ?? null,
    communities: communities.map((each) => NAMES[each] ?? each),
    best,
  });

/** FRR shows a MED of 0 and a LOCAL_PREF of 100 also where a path has none. */
function inWords(prefix: string, { peer, path, origin, med, localPref, communities, best }: Row): string {
  const plain = path.replace("Local", "").replaceAll(/[{}]/g, "").replaceAll(",", " ");
  const words = [prefix, `from ${peer}`, `path ${plain}`, origin, `med ${med ?? 0}`, `pref ${localPref ?? ""}`];
  return [...words, communities.toSorted().join(" "), best ? "best" : ""].join("; ");
}

describe("policies are those of FRR", () => {
  it.each(golden.cases)("$name", (each) => {
    const { router, peers } = play(each);
    const table = Object.entries(each.table).flatMap(([prefix, rows]) => rows.map((row) => inWords(prefix, row)));
    expect(router.paths().map(ours).toSorted()).toEqual(table.toSorted());
    for (const [name, messages] of Object.entries(each.heard)) {
      const internal = golden.peers[name]?.asn === OWN_AS;
      const theirs = messages.map((digits) =>
        decodeMessage(hex(digits), { asSize: 4, internal, families: ["ipv4", "ipv6"] }),
      );
      expect([name, ...told(peers.get(name)?.heard ?? [])]).toEqual([name, ...told(theirs)]);
    }
  });
});
