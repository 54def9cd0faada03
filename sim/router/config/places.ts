// Where a statement would have been understood, for whoever wrote it elsewhere.
import { BFD, PEER } from "./bfd-statements.ts";
import { BGP } from "./bgp-statements.ts";
import { FAMILY } from "./family-statements.ts";
import { INTERFACE } from "./interface-statements.ts";
import { ENTRY } from "./route-map-statements.ts";

const PLACES: readonly (readonly [name: string, knows: (words: readonly string[], no: boolean) => boolean])[] = [
  ["interface", (words, no) => INTERFACE.knows(words, no)],
  ["router bgp", (words, no) => BGP.knows(words, no)],
  ["address-family", (words, no) => FAMILY.knows(words, no)],
  ["route-map", (words, no) => ENTRY.knows(words, no)],
  ["bfd", (words, no) => BFD.knows(words, no)],
  ["a profile or peer of bfd", (words, no) => PEER.knows(words, no)],
];

export const placesOf = (words: readonly string[], no: boolean): readonly string[] =>
  PLACES.filter(([, knows]) => knows(words, no)).map(([name]) => name);
