import { list, object, string } from "../schema/schema.ts";
import { type Kind } from "./kind.ts";

const alias = object({
  name: string({ description: "The name." }),
  value: string({ description: "The community: 64512:100 (RFC 1997) or large:64512:1:2 (RFC 8092)." }),
});

export const communitySchema = object(
  {
    spec: object({ communities: list(alias) }, { description: "The names." }),
    status: object({}, { description: "Nothing is reported here." }),
  },
  { description: "Community gives names to BGP communities, for use in BGPAdvertisements." },
);

export const community: Kind = {
  kind: "Community",
  plural: "communities",
  singular: "community",
  versions: [{ name: "v1beta1", storage: true, schema: communitySchema.node, columns: [] }],
};
