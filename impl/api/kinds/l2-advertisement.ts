import { integer, list, object, required, string } from "../schema/schema.ts";
import { type Kind } from "./kind.ts";
import { labelSelector, labelSelectors } from "./label-selector.ts";

export const l2AdvertisementSchema = object(
  {
    spec: object(
      {
        interfaces: list(string(), {
          description: "Interfaces to announce on; empty for every interface of the node.",
        }),
        ipAddressPoolSelectors: labelSelectors(
          "Pools to announce, by their labels; with no name and no selector: all.",
        ),
        ipAddressPools: list(string(), { description: "Pools to announce, by name." }),
        nodeSelectors: labelSelectors("Nodes that may announce; empty for every node."),
        preferredNodeSelectors: list(
          object({
            preference: required(labelSelector),
            weight: required(
              integer({ description: "Added for each node that matches.", format: "int32", minimum: 1, maximum: 100 }),
            ),
          }),
          { description: "Nodes to prefer among those that may announce; the highest sum of weights wins." },
        ),
        serviceSelectors: labelSelectors("Services to announce; empty for every Service of the pools."),
      },
      { description: "What is announced, and from where." },
    ),
    status: object({}, { description: "Nothing is reported here." }),
  },
  { description: "L2Advertisement announces the addresses of pools by ARP and NDP." },
);

export const l2Advertisement: Kind = {
  kind: "L2Advertisement",
  plural: "l2advertisements",
  singular: "l2advertisement",
  versions: [
    {
      name: "v1beta1",
      storage: true,
      schema: l2AdvertisementSchema.node,
      columns: [
        { name: "IPAddressPools", type: "string", jsonPath: ".spec.ipAddressPools" },
        { name: "IPAddressPool Selectors", type: "string", jsonPath: ".spec.ipAddressPoolSelectors" },
        { name: "Interfaces", type: "string", jsonPath: ".spec.interfaces" },
        { name: "Node Selectors", type: "string", jsonPath: ".spec.nodeSelectors", priority: 10 },
      ],
    },
  ],
};
