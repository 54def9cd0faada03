import { ConfigError } from "../../wire/errors.ts";
import { parseDuration, seconds } from "../../wire/time.ts";
import { boolean, choice, integer, list, map, object, required, type Rule, string } from "../schema/schema.ts";
import { type Column, type Kind } from "./kind.ts";
import { labelSelectors } from "./label-selector.ts";

function durationMeets(self: unknown, test: (duration: number) => boolean): boolean {
  try {
    return test(parseDuration(String(self)));
  } catch (error) {
    // The API server refuses a rule that fails to evaluate, and so the object.
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

const WITHIN_A_DAY: Rule = {
  cel: "duration(self).getSeconds() >= 1 && duration(self).getSeconds() <= 65535",
  message: "connect time should be between 1 seconds to 65535",
  holds: (self) => durationMeets(self, (duration) => duration >= seconds(1) && duration < seconds(65_536)),
};

const WHOLE_SECONDS: Rule = {
  cel: "duration(self).getMilliseconds() % 1000 == 0",
  message: "connect time should contain a whole number of seconds",
  holds: (self) => durationMeets(self, (duration) => Math.trunc(duration / 1000) % 1000 === 0),
};

const FIXED: Rule = {
  cel: "self == oldSelf",
  message: "EnableGracefulRestart cannot be changed after creation",
  holds: (self, oldSelf) => self === oldSelf,
  transition: true,
};

const asn = (description: string, minimum = 0) =>
  integer({ description, format: "int64", minimum, maximum: 4_294_967_295 });

const holdTime = string({ description: "BGP hold time such as 90s (RFC 4271); 0s for none." });
const keepaliveTime = string({ description: "Time between BGP keepalives such as 30s (RFC 4271)." });
const sourceAddress = string({ description: "Address of the node to connect from." });
const routerID = string({ description: "BGP identifier of the node's side." });
const password = string({ description: "Password of TCP MD5 signatures (RFC 2385)." });
const bfdProfile = string({
  description: "BFDProfile of the BFD session beside the BGP session; none without a name.",
});
const myASN = required(asn("Autonomous system of the node's side."));

const legacySelector = object({
  matchExpressions: list(
    object({
      key: required(string()),
      operator: required(string()),
      values: required(list(string(), { minItems: 1 })),
    }),
  ),
  matchLabels: map(string()),
});

export const bgpPeerV1Beta1Schema = object(
  {
    spec: object(
      {
        bfdProfile,
        ebgpMultiHop: boolean({ description: "Whether the peer is more than one hop away." }),
        holdTime,
        keepaliveTime,
        myASN,
        nodeSelectors: list(legacySelector, { description: "Nodes that connect to the peer; empty for every node." }),
        password,
        peerASN: required(asn("Autonomous system of the peer.")),
        peerAddress: required(string({ description: "Address of the peer." })),
        peerPort: integer({ description: "TCP port of the peer.", minimum: 0, maximum: 16_384 }),
        routerID,
        sourceAddress,
      },
      { description: "The session." },
    ),
    status: object({}, { description: "Nothing is reported here." }),
  },
  { description: "BGPPeer is a router that nodes have a BGP session with." },
);

export const bgpPeerSchema = object(
  {
    spec: object(
      {
        bfdProfile,
        connectTime: string({
          description: "Time between attempts to connect such as 10s.",
          rules: [WITHIN_A_DAY, WHOLE_SECONDS],
        }),
        disableMP: boolean({
          description: "Deprecated and without effect; see dualStackAddressFamily.",
          default: false,
        }),
        dualStackAddressFamily: boolean({
          description: "Whether the session carries prefixes of both families.",
          default: false,
        }),
        dynamicASN: choice(["internal", "external"], {
          description: "In place of peerASN: accept the own autonomous system (internal) or any other (external).",
        }),
        ebgpMultiHop: boolean({ description: "Whether the peer is more than one hop away." }),
        enableGracefulRestart: boolean({
          description: "Whether to keep forwarding while the session restarts (RFC 4724). Cannot be changed.",
          rules: [FIXED],
        }),
        holdTime,
        interface: string({ description: "In place of peerAddress: the interface towards the peer (BGP unnumbered)." }),
        keepaliveTime,
        localASN: asn("Autonomous system to show to this peer in place of myASN.", 1),
        myASN,
        nodeSelectors: labelSelectors("Nodes that connect to the peer; empty for every node."),
        password,
        passwordSecret: object(
          {
            name: string({ description: "Name of the Secret." }),
            namespace: string({
              description: "Without effect: the Secret is read from the load balancer's namespace.",
            }),
          },
          { description: "In place of password: a Secret of type kubernetes.io/basic-auth.", atomic: true },
        ),
        peerASN: asn("Autonomous system of the peer."),
        peerAddress: string({ description: "Address of the peer." }),
        peerPort: integer({ description: "TCP port of the peer.", minimum: 1, maximum: 16_384, default: 179 }),
        routerID,
        sourceAddress,
        vrf: string({ description: "VRF of the node that the session belongs to." }),
      },
      { description: "The session." },
    ),
    status: object({}, { description: "Nothing is reported here." }),
  },
  { description: "BGPPeer is a router that nodes have a BGP session with." },
);

const columns: readonly Column[] = [
  { name: "Address", type: "string", jsonPath: ".spec.peerAddress" },
  { name: "ASN", type: "string", jsonPath: ".spec.peerASN" },
  { name: "BFD Profile", type: "string", jsonPath: ".spec.bfdProfile" },
  { name: "Multi Hops", type: "string", jsonPath: ".spec.ebgpMultiHop" },
];

export const bgpPeer: Kind = {
  kind: "BGPPeer",
  plural: "bgppeers",
  singular: "bgppeer",
  versions: [
    {
      name: "v1beta1",
      storage: false,
      deprecated: "v1beta1 is deprecated, please use v1beta2",
      schema: bgpPeerV1Beta1Schema.node,
      columns,
    },
    { name: "v1beta2", storage: true, schema: bgpPeerSchema.node, columns },
  ],
};
