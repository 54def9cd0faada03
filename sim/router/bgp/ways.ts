// How neighbours are reached, and where they are.
import { type TcpHandler, type TcpSocket } from "../../host/tcp.ts";
import { type Host } from "../../host/host.ts";
import { type BgpConfig, type PeerSettings } from "../config/model.ts";
import { type NextHops } from "../next-hops.ts";
import { connectOptions, isInternal } from "./connect-options.ts";
import { type Agreement, FAMILIES } from "./negotiation.ts";
import { type Neighbor } from "./neighbor.ts";
import { LOCAL, type PathSource } from "./path.ts";

export class Ways {
  readonly #host: Host;
  readonly #nextHops: NextHops;
  readonly #bgp: () => BgpConfig;

  constructor(host: Host, nextHops: NextHops, bgp: () => BgpConfig) {
    this.#host = host;
    this.#nextHops = nextHops;
    this.#bgp = bgp;
  }

  /** Undefined where there is no way; external neighbours must be on an own subnet, unless told otherwise. */
  connect(neighbor: Neighbor, handler: TcpHandler): TcpSocket | undefined {
    const { address, settings, identity } = neighbor;
    if (address === undefined) return undefined;
    const { asn, vrf } = this.#bgp();
    const resolution = this.#nextHops.resolve(address, identity.device);
    const mustBeNear = !isInternal(settings, asn) && isOneHop(settings);
    if (resolution === undefined || (mustBeNear && !resolution.onLink)) return undefined;
    const options = connectOptions(settings, address, asn, { host: this.#host, vrf, link: identity.device });
    return this.#host.tcp.connect({ ip: address, port: settings.port }, handler, options);
  }

  /** The link between both is down. */
  isLost(neighbor: Neighbor): boolean {
    const { socket, agreement, identity } = neighbor;
    if (socket === undefined || agreement?.internal !== false || !isOneHop(neighbor.settings)) return false;
    return this.#nextHops.resolve(socket.remote.ip, identity.device)?.onLink !== true;
  }

  /** What the choice between paths asks about who told them. */
  sourceOf(neighbor: Neighbor, agreement: Agreement): PathSource {
    const { identity, settings, socket } = neighbor;
    const address = socket?.remote.ip ?? LOCAL.address;
    return {
      key: identity.key,
      address,
      asn: agreement.peerAsn,
      internal: agreement.internal,
      routerId: agreement.peerId,
      device: identity.device ?? socket?.device ?? this.#nextHops.linkTo(address),
      onLink: !agreement.internal && isOneHop(settings),
      isClient: FAMILIES.some((family) => settings.families[family]?.routeReflectorClient),
    };
  }
}

/** RFC 4271 section 5.1.3 calls it one hop; with ttl-security, FRR counts hops from 255. */
function isOneHop({ ttl, minTtl, disableConnectedCheck }: PeerSettings): boolean {
  return !disableConnectedCheck && (minTtl === undefined ? ttl === 1 : minTtl === 255);
}
