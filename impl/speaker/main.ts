import { runProgram } from "../adapters/daemon/daemon.ts";
import { SystemRandom } from "../adapters/daemon/random.ts";
import { openSockets } from "../adapters/daemon/raw-sockets.ts";
import { SPEAKER_FLAGS, speakerOptions } from "../adapters/daemon/speaker-flags.ts";
import { LinuxPorts } from "../adapters/linux/ports.ts";
import { createSpeaker } from "../shell/speaker-process.ts";

await runProgram({
  name: "speaker",
  introduction: `Tells the network where this node's Services of type LoadBalancer are, by ARP, NDP and BGP.
One runs on each node, on the host's network, with the capability NET_RAW and no other.`,
  flags: SPEAKER_FLAGS,
  healthHost: "127.0.0.1",
  create: (values, identity, log) => {
    const speaker = createSpeaker({ ...speakerOptions(values, identity, log), random: new SystemRandom() });
    const views = {
      members: () => speaker.members(),
      roster: () => speaker.roster(),
      "layer2-addresses": () => speaker.layer2Addresses(),
      "bgp-peers": () => speaker.bgpPeers(),
      "bgp-services": () => speaker.bgpServices(),
      "bfd-sessions": () => speaker.bfdSessions(),
    };
    return { process: speaker, metrics: speaker.metrics, views };
  },
  openPorts: (options) => new LinuxPorts({ ...options, native: openSockets() }),
});
