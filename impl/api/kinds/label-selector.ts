// metav1.LabelSelector, as fields of several kinds.
import { list, map, object, required, string } from "../schema/schema.ts";

export const labelSelector = object(
  {
    matchExpressions: list(
      object(
        {
          key: required(string({ description: "The label key that the requirement is about." })),
          operator: required(string({ description: "In, NotIn, Exists or DoesNotExist." })),
          values: list(string(), {
            description: "At least one value for In and NotIn, none for Exists and DoesNotExist.",
            merge: "atomic",
          }),
        },
        { description: "A requirement on one label." },
      ),
      { description: "Requirements that must all hold.", merge: "atomic" },
    ),
    matchLabels: map(string(), { description: "Labels that must all be there with these values." }),
  },
  { description: "Selects objects by their labels; an empty selector matches every object.", atomic: true },
);

export const labelSelectors = (description: string) => list(labelSelector, { description });
