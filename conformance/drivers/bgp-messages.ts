import { HEADER_LENGTH } from "../../impl/wire/bgp/header.ts";

/** Messages by their length field; what is shorter than a header by it ends the cutting. */
export function cutMessages(bytes: Uint8Array): {
  readonly messages: readonly Uint8Array[];
  readonly rest: Uint8Array;
} {
  const messages: Uint8Array[] = [];
  let at = 0;
  while (bytes.length - at >= HEADER_LENGTH) {
    const length = (bytes[at + 16] ?? 0) * 256 + (bytes[at + 17] ?? 0);
    if (length < HEADER_LENGTH || bytes.length - at < length) break;
    messages.push(bytes.slice(at, at + length));
    at += length;
  }
  return { messages, rest: bytes.slice(at) };
}
