import { boolean, integer, object } from "../schema/schema.ts";
import { type Kind } from "./kind.ts";

const limited = (description: string, minimum: number, maximum: number) =>
  integer({ description, format: "int32", minimum, maximum });
const interval = (description: string) => limited(description, 10, 60_000);

export const bfdProfileSchema = object(
  {
    spec: object(
      {
        detectMultiplier: limited("Intervals without a packet after which the peer counts as gone.", 2, 255),
        echoInterval: interval(
          "Shortest time between echo packets that can be handled, in milliseconds; 50 if not set.",
        ),
        echoMode: boolean({ description: "Whether to send echo packets. Not for multihop sessions, nor for IPv6." }),
        minimumTtl: limited("For multihop sessions: the smallest TTL of a packet that is accepted.", 1, 254),
        passiveMode: boolean({ description: "Whether to wait for the peer's first packet." }),
        receiveInterval: interval(
          "Shortest time between packets that can be handled, in milliseconds; 300 if not set.",
        ),
        transmitInterval: interval("Time between packets that are sent, in milliseconds; 300 if not set."),
      },
      { description: "The timers (RFC 5880)." },
    ),
    status: object({}, { description: "Nothing is reported here." }),
  },
  { description: "BFDProfile sets how BFD watches the path to a BGP peer." },
);

export const bfdProfile: Kind = {
  kind: "BFDProfile",
  plural: "bfdprofiles",
  singular: "bfdprofile",
  versions: [
    {
      name: "v1beta1",
      storage: true,
      schema: bfdProfileSchema.node,
      columns: [
        { name: "Passive Mode", type: "boolean", jsonPath: ".spec.passiveMode" },
        { name: "Transmit Interval", type: "integer", jsonPath: ".spec.transmitInterval" },
        { name: "Receive Interval", type: "integer", jsonPath: ".spec.receiveInterval" },
        { name: "Multiplier", type: "integer", jsonPath: ".spec.detectMultiplier" },
      ],
    },
  ],
};
