import { sha256 } from "../../impl/wire/sha256.ts";
import { encodeUtf8 } from "../../impl/wire/text.ts";
import { collectionOf, type ServedKind } from "./kinds.ts";

/** The letters of generated names: no vowels, no digits that look like letters (k8s.io/apimachinery/pkg/util/rand). */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;

/**
 * Names and uids that the server chooses. They depend on what is created and on how often, not on the order among
 * others, so that the same objects in another order are the same cluster.
 */
export class Names {
  readonly #seed: string;
  readonly #counts = new Map<string, number>();

  constructor(seed: string) {
    this.#seed = seed;
  }

  generate(kind: ServedKind, namespace: string | undefined, prefix: string): string {
    const digest = this.#draw("name", kind, namespace, prefix);
    const letters = Array.from(digest.subarray(0, SUFFIX_LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]);
    return `${prefix}${letters.join("")}`;
  }

  /** RFC 9562 section 5.8: version 8, made our own way. */
  uid(kind: ServedKind, namespace: string | undefined, name: string): string {
    const bytes = this.#draw("uid", kind, namespace, name).slice(0, 16);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  #draw(what: string, kind: ServedKind, namespace: string | undefined, name: string): Uint8Array {
    const subject = [what, collectionOf(kind), namespace ?? "", name].join("\n");
    const count = this.#counts.get(subject) ?? 0;
    this.#counts.set(subject, count + 1);
    return sha256(encodeUtf8([this.#seed, subject, count].join("\n")));
  }
}
