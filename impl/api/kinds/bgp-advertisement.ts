import { integer, list, object, type Rule, string } from "../schema/schema.ts";
import { type Kind } from "./kind.ts";
import { labelSelectors } from "./label-selector.ts";

interface Aggregation {
  readonly serviceSelectors?: readonly unknown[];
  readonly aggregationLength?: number;
  readonly aggregationLengthV6?: number;
}

const AGGREGATES_ALONE: Rule = {
  cel: [
    "!has(self.serviceSelectors) || size(self.serviceSelectors) == 0 ||",
    "((!has(self.aggregationLength) || self.aggregationLength == 32) &&",
    "(!has(self.aggregationLengthV6) || self.aggregationLengthV6 == 128))",
  ].join(" "),
  message:
    "serviceSelectors and aggregationLength are mutually exclusive, an aggregate holds addresses of other Services",
  holds: (self) => {
    const { serviceSelectors = [], aggregationLength = 32, aggregationLengthV6 = 128 } = self as Aggregation;
    return serviceSelectors.length === 0 || (aggregationLength === 32 && aggregationLengthV6 === 128);
  },
};

export const bgpAdvertisementSchema = object(
  {
    spec: object(
      {
        aggregationLength: integer({
          description: "Length of the IPv4 prefixes that are announced; 32 announces single addresses.",
          format: "int32",
          minimum: 1,
          default: 32,
        }),
        aggregationLengthV6: integer({
          description: "Length of the IPv6 prefixes that are announced; 128 announces single addresses.",
          format: "int32",
          default: 128,
        }),
        communities: list(string(), {
          description: "BGP communities: 64512:100, large:64512:1:2, or a name that a Community defines.",
        }),
        ipAddressPoolSelectors: labelSelectors(
          "Pools to announce, by their labels; with no name and no selector: all.",
        ),
        ipAddressPools: list(string(), { description: "Pools to announce, by name." }),
        localPref: integer({
          description: "LOCAL_PREF for internal peers; the highest is preferred.",
          format: "int32",
        }),
        nodeSelectors: labelSelectors("Nodes that announce; empty for every node."),
        peers: list(string(), { description: "BGPPeers to announce to, by name; empty for every peer." }),
        serviceSelectors: labelSelectors("Services to announce; empty for every Service of the pools."),
      },
      { description: "What is announced, with what, and to whom.", rules: [AGGREGATES_ALONE] },
    ),
    status: object({}, { description: "Nothing is reported here." }),
  },
  { description: "BGPAdvertisement announces the addresses of pools by BGP." },
);

export const bgpAdvertisement: Kind = {
  kind: "BGPAdvertisement",
  plural: "bgpadvertisements",
  singular: "bgpadvertisement",
  versions: [
    {
      name: "v1beta1",
      storage: true,
      schema: bgpAdvertisementSchema.node,
      columns: [
        { name: "IPAddressPools", type: "string", jsonPath: ".spec.ipAddressPools" },
        { name: "IPAddressPool Selectors", type: "string", jsonPath: ".spec.ipAddressPoolSelectors" },
        { name: "Peers", type: "string", jsonPath: ".spec.peers" },
        { name: "Node Selectors", type: "string", jsonPath: ".spec.nodeSelectors", priority: 10 },
      ],
    },
  ],
};
