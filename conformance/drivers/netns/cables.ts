// Carrier and power of what hangs on cables.
import { ipBatch, run } from "./command.ts";
import { type Device, type Network } from "./network.ts";

/** bridge(8): `link set dev PORT state`; only while the bridge runs no spanning tree. */
async function setPortState({ namespace, device }: Device, state: "disabled" | "forwarding"): Promise<void> {
  await run("bridge", ["-n", namespace, "link", "set", "dev", device, "state", state]);
}

const setUp = ({ namespace, device }: Device, up: boolean): Promise<void> =>
  ipBatch(namespace, [`link set ${device} ${up ? "up" : "down"}`]);

/** A switch still sees carrier, and forwards nothing to or from a silent station; on a cable without a switch it goes. */
export async function silence(network: Network, station: string, silent: boolean): Promise<void> {
  await Promise.all(
    network
      .connections(station)
      .map(({ link, peer }) =>
        network.isSwitch(peer.namespace)
          ? setPortState(peer, silent ? "disabled" : "forwarding")
          : setUp({ namespace: network.namespace(station), device: link }, !silent),
      ),
  );
}

/**
 * Takes carrier from both ends of a cable. An interface that is taken down forgets its routes, so it is the switch's, else
 * the router's: its daemons put them back.
 */
export async function setCarrier(network: Network, station: string, link: string, carrier: boolean): Promise<void> {
  const connection = network.connections(station).find((item) => item.link === link);
  if (connection === undefined) throw new Error(`${station} has no cable at ${link}`);
  const { peer } = connection;
  const own = { namespace: network.namespace(station), device: link };
  await setUp(network.isRouter(own.namespace) && !network.isSwitch(peer.namespace) ? own : peer, carrier);
}
