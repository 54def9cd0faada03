// What `show bfd peers` of FRR would tell of a speaker.
import { type BfdView } from "../../../impl/speaker/bfd/view.ts";
import { table } from "../output.ts";
import { spaced } from "../words.ts";
import { fieldLines, secondsWords } from "./layout.ts";
import { type NodeView } from "./node-view.ts";

const duration = (time: number | undefined): string => (time === undefined ? "-" : secondsWords(time));

export function bfdSummary(views: readonly NodeView[]): string {
  const rows = views.flatMap(({ node, now, bfd }) =>
    bfd.map((each) => [
      node,
      each.path.peer,
      each.path.hops,
      each.state,
      secondsWords(now - each.changedAt),
      spaced(each.diagnostic),
      duration(each.transmitInterval),
      duration(each.detectionTime),
      `${each.counters.controlIn}/${each.counters.controlOut}`,
      `${each.counters.ups}/${each.counters.downs}`,
    ]),
  );
  if (rows.length === 0) return "no BFD session: no BGPPeer with a bfdProfile has had a session yet";
  return table([
    ["NODE", "PEER", "HOPS", "STATE", "FOR", "DIAGNOSTIC", "SENDS EVERY", "DETECTS IN", "IN/OUT", "UPS/DOWNS"],
    ...rows,
  ]);
}

export function bfdDetails({ node, now, bfd }: NodeView): string {
  if (bfd.length === 0) return `${node}: no BFD session`;
  return bfd.map((each) => sessionDetails(node, now, each)).join("\n\n");
}

function sessionDetails(node: string, now: number, view: BfdView): string {
  const { path, remote, counters } = view;
  return fieldLines(`${node}: BFD to ${path.peer}, ${path.hops} hop`, [
    ["state", `${view.state} for ${secondsWords(now - view.changedAt)}`],
    ["diagnostic", spaced(view.diagnostic)],
    ["for", view.keys.map((key) => `BGPPeer ${key}`)],
    ["address here", path.local],
    ["interface", path.link],
    ["VRF", path.vrf],
    ["role", view.role],
    ["failure", view.failure],
    ["here", `discriminator ${view.localDiscriminator}, multiplier ${view.detectMultiplier}`],
    ["there", remoteWords(remote)],
    ["sends every", duration(view.transmitInterval)],
    ["detects in", duration(view.detectionTime)],
    ["echo every", view.echoInterval === undefined ? undefined : duration(view.echoInterval)],
    [
      "packets",
      `${counters.controlIn} in, ${counters.controlOut} out; echo ${counters.echoIn} in, ${counters.echoOut} out`,
    ],
    ["changes", `${counters.ups} up, ${counters.downs} down`],
  ]);
}

function remoteWords(remote: BfdView["remote"]): string {
  if (remote === undefined) return "silent";
  const { discriminator, state, diagnostic, desiredMinTx, requiredMinRx, requiredMinEchoRx, detectMultiplier } = remote;
  return [
    `discriminator ${discriminator}`,
    state,
    `diagnostic ${typeof diagnostic === "number" ? diagnostic : spaced(diagnostic)}`,
    `multiplier ${detectMultiplier}`,
    `sends every ${secondsWords(desiredMinTx)}`,
    `takes one every ${secondsWords(requiredMinRx)}`,
    requiredMinEchoRx === 0 ? "returns no echo" : `returns echo every ${secondsWords(requiredMinEchoRx)}`,
  ].join(", ");
}
