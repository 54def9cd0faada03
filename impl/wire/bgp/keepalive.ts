// RFC 4271 section 4.4: a header alone.
import { frame } from "./header.ts";

export interface Keepalive {
  readonly kind: "keepalive";
}

export const encodeKeepalive = (): Uint8Array => frame("keepalive", () => undefined);
