import { boolean, int64, integer, list, object, required, string } from "../schema/schema.ts";
import { type Kind } from "./kind.ts";
import { labelSelectors } from "./label-selector.ts";

const counter = (description: string) => required(int64({ description }));

export const ipAddressPoolSchema = object(
  {
    spec: required(
      object(
        {
          addresses: required(
            list(string(), {
              description:
                "Addresses of the pool: prefixes such as 192.0.2.0/24 and ranges such as 192.0.2.10-192.0.2.20.",
            }),
          ),
          autoAssign: boolean({
            description: "Whether Services that ask for no pool and no address may get one of this pool.",
            default: true,
          }),
          avoidBuggyIPs: boolean({
            description: "Whether to leave out addresses that end in .0 or .255, which some old devices refuse.",
            default: false,
          }),
          serviceAllocation: object(
            {
              namespaceSelectors: labelSelectors("Namespaces whose Services may use the pool, by their labels."),
              namespaces: list(string(), { description: "Namespaces whose Services may use the pool, by name." }),
              priority: integer({
                description: "Among pools that fit a Service the smallest number comes first; 0 comes last.",
              }),
              serviceSelectors: labelSelectors("Services that may use the pool, by their labels."),
            },
            { description: "Limits the pool to some Services." },
          ),
        },
        { description: "What the pool holds and for whom." },
      ),
    ),
    status: object(
      {
        assignedIPv4: counter("IPv4 addresses in use."),
        assignedIPv6: counter("IPv6 addresses in use."),
        availableIPv4: counter("IPv4 addresses still free."),
        availableIPv6: counter("IPv6 addresses still free, at most 9223372036854775807."),
      },
      { description: "How full the pool is." },
    ),
  },
  { description: "IPAddressPool holds addresses for Services of type LoadBalancer." },
);

export const ipAddressPool: Kind = {
  kind: "IPAddressPool",
  plural: "ipaddresspools",
  singular: "ipaddresspool",
  versions: [
    {
      name: "v1beta1",
      storage: true,
      schema: ipAddressPoolSchema.node,
      columns: [
        { name: "Auto Assign", type: "boolean", jsonPath: ".spec.autoAssign" },
        { name: "Avoid Buggy IPs", type: "boolean", jsonPath: ".spec.avoidBuggyIPs" },
        { name: "Addresses", type: "string", jsonPath: ".spec.addresses" },
      ],
    },
  ],
};
