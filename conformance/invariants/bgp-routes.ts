import { type Peer } from "../../impl/api/config.ts";
import { isLinkLocal } from "../../impl/wire/ip.ts";
import { type Prefix } from "../../impl/wire/prefix.ts";
import { type BgpConnection, type BgpTalk, type ToldRoute } from "./bgp-talk.ts";
import { type ClusterView, type DesireOptions, desiredRoutes, routeWords } from "./desired-routes.ts";
import { type Invariant } from "./invariant.ts";

/** Nothing is announced that the peer has just so, and nothing is withdrawn that it does not have. */
export function noIdleUpdates(talk: BgpTalk): Invariant {
  return {
    name: "B11.7",
    observe(observation, now) {
      const moment = talk.follow(observation, now);
      if (moment === undefined || moment.idle.length === 0) return undefined;
      return `${moment.connection.name}: an UPDATE tells nothing new about ${moment.idle.join(", ")}`;
    },
  };
}

/** At rest each peer has been told what the cluster's objects ask for: no route less, none more, none in other words. */
export function toldAsDesired(talk: BgpTalk, view: ClusterView, options: DesireOptions): Invariant {
  const judge = (connection: BgpConnection): readonly string[] => {
    const { node, peer: ip, peerPort, internal, families, told } = connection;
    const config = view.configFor(node);
    if (config === undefined) return [];
    // A connection does not say which interface it goes through.
    const isMeant = ({ peer, peerPort: port }: Peer): boolean =>
      port === peerPort && (isLinkLocal(ip) ? peer.kind === "interface" : peer.kind === "address" && peer.ip === ip);
    const peers = [...config.peers.values()].filter(isMeant);
    const [peer] = peers;
    // Of several peers at one address a connection does not say which it is.
    if (peers.length > 1) return [];
    if (peer === undefined) return [`${connection.name}: no BGPPeer asks for this session`];
    const desired = desiredRoutes(view, options, node, config, peer, { internal, families });
    const prefixes = new Set<Prefix>([...desired.keys(), ...told.keys()]);
    return [...prefixes].flatMap((prefix) => {
      const [wanted, has] = [desired.get(prefix) ?? "nothing", wordsOfTold(told.get(prefix))];
      return wanted === has ? [] : [`${connection.name} has told of ${prefix}: ${has}; it shall tell: ${wanted}`];
    });
  };
  return {
    name: "I5",
    observe(observation, now) {
      view.note(observation);
      talk.follow(observation, now);
      return undefined;
    },
    settled: () =>
      talk
        .connections()
        .filter(({ established }) => established)
        .flatMap(judge),
  };
}

function wordsOfTold(route: ToldRoute | undefined): string {
  if (route === undefined) return "nothing";
  const { asPath, localPref, multiExitDisc, communities = [], largeCommunities = [] } = route.attributes;
  const path = asPath.flatMap(({ asns }) => asns);
  return routeWords({ path, localPref, med: multiExitDisc, standard: communities, large: largeCommunities });
}
