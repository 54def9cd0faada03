import { choice, int64, list, object, required, string } from "../schema/schema.ts";
import { type Kind } from "./kind.ts";

const CONDITION_TYPE =
  "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$";

/** metav1.Condition. */
const condition = object({
  lastTransitionTime: required(string({ description: "When the status last changed.", format: "date-time" })),
  message: required(string({ description: "Details for people; may be empty.", maxLength: 32_768 })),
  observedGeneration: int64({ description: "The generation of the object that was judged.", minimum: 0 }),
  reason: required(
    string({
      description: "Why, in one word.",
      minLength: 1,
      maxLength: 1024,
      pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
    }),
  ),
  status: required(choice(["True", "False", "Unknown"], { description: "Whether it holds." })),
  type: required(string({ description: "What is judged.", maxLength: 316, pattern: CONDITION_TYPE })),
});

export const configurationStateSchema = object(
  {
    status: object(
      {
        conditions: list(condition, {
          description: "One condition for each part that reads configuration.",
          merge: ["type"],
        }),
        errorSummary: string({ description: "What is wrong; empty while the configuration is valid." }),
        result: choice(["Valid", "Invalid", "Unknown"], {
          description: "Whether the configuration is in use as it is.",
        }),
      },
      { description: "The verdict." },
    ),
  },
  { description: "ConfigurationState shows whether a controller or speaker could use the configuration it last saw." },
);

export const configurationState: Kind = {
  kind: "ConfigurationState",
  plural: "configurationstates",
  singular: "configurationstate",
  versions: [
    {
      name: "v1beta1",
      storage: true,
      schema: configurationStateSchema.node,
      columns: [
        { name: "Result", type: "string", jsonPath: ".status.result" },
        { name: "ErrorSummary", type: "string", jsonPath: ".status.errorSummary" },
        { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
      ],
    },
  ],
};
