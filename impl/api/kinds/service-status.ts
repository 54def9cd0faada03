// ServiceL2Status and ServiceBGPStatus: what a speaker does for a Service. Speakers write them, people read them.
import { list, object, type Rule, string } from "../schema/schema.ts";
import { type Column, type Kind } from "./kind.ts";

const IMMUTABLE: Rule = {
  cel: "self == oldSelf",
  message: "Value is immutable",
  holds: (self, oldSelf) => self === oldSelf,
  transition: true,
};

const fixed = (description: string) => string({ description, rules: [IMMUTABLE] });

const identity = {
  node: fixed("The node that announces the Service."),
  serviceName: fixed("The Service's name."),
  serviceNamespace: fixed("The Service's namespace."),
} as const;

const spec = object({}, { description: "Nothing can be asked for here." });

export const serviceL2StatusSchema = object(
  {
    spec,
    status: object(
      {
        interfaces: list(object({ name: string({ description: "Name of the interface." }) }), {
          description: "Interfaces that the Service is announced on; empty for every interface.",
        }),
        ...identity,
      },
      { description: "What the node announces." },
    ),
  },
  { description: "ServiceL2Status shows from where a Service is announced by ARP and NDP." },
);

export const serviceBgpStatusSchema = object(
  {
    spec,
    status: object(
      {
        node: identity.node,
        peers: list(string(), {
          description: "BGPPeers that the Service is meant to be announced to, whether or not their sessions are up.",
        }),
        serviceName: identity.serviceName,
        serviceNamespace: identity.serviceNamespace,
      },
      { description: "What the node announces." },
    ),
  },
  { description: "ServiceBGPStatus shows which BGP peers of a node a Service is announced to." },
);

const columns = (node: string): readonly Column[] => [
  { name: node, type: "string", jsonPath: ".status.node" },
  { name: "Service Name", type: "string", jsonPath: ".status.serviceName" },
  { name: "Service Namespace", type: "string", jsonPath: ".status.serviceNamespace" },
];

export const serviceL2Status: Kind = {
  kind: "ServiceL2Status",
  plural: "servicel2statuses",
  singular: "servicel2status",
  versions: [
    { name: "v1beta1", storage: true, schema: serviceL2StatusSchema.node, columns: columns("Allocated Node") },
  ],
};

export const serviceBgpStatus: Kind = {
  kind: "ServiceBGPStatus",
  plural: "servicebgpstatuses",
  singular: "servicebgpstatus",
  versions: [{ name: "v1beta1", storage: true, schema: serviceBgpStatusSchema.node, columns: columns("Node") }],
};
