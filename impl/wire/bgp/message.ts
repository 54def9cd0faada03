// RFC 4271 section 4: any message, by its type.
import { unreachable } from "../brand.ts";
import { readHeader } from "./header.ts";
import { type Keepalive } from "./keepalive.ts";
import { decodeNotification, type Notification } from "./notification.ts";
import { decodeOpen, type Open } from "./open.ts";
import { decodeRouteRefresh, type RouteRefresh } from "./route-refresh.ts";
import { decodeUpdate, type EndOfRib, type Update, type UpdateContext } from "./update.ts";

export type BgpMessage = Open | Update | EndOfRib | Notification | Keepalive | RouteRefresh;

/** Reads one message of a MessageStream. Throws BgpError where the session must end, and nothing else. */
export function decodeMessage(message: Uint8Array, context: UpdateContext): BgpMessage {
  const { type } = readHeader(message, 0, message.length);
  switch (type) {
    case "open":
      return decodeOpen(message);
    case "update":
      return decodeUpdate(message, context);
    case "notification":
      return decodeNotification(message);
    case "keepalive":
      return { kind: "keepalive" };
    case "routeRefresh":
      return decodeRouteRefresh(message);
    default:
      return unreachable(type);
  }
}
