import { type Endpoint } from "../../impl/ports.ts";
import { isIpv6, UNSPECIFIED_V4, UNSPECIFIED_V6 } from "../../impl/wire/ip.ts";
import { type TcpSocket } from "./tcp-socket.ts";

const nothing = (): void => undefined;

/** What connect gives where it fails at once; `cancel` takes back the report of it. */
export function refusedSocket(to: Endpoint, cancel: () => void): TcpSocket {
  return {
    local: { ip: isIpv6(to.ip) ? UNSPECIFIED_V6 : UNSPECIFIED_V4, port: 0 },
    remote: to,
    device: undefined,
    state: "closed",
    room: 0,
    write: nothing,
    shutdown: nothing,
    close: cancel,
    abort: cancel,
    pause: nothing,
    resume: nothing,
    keepAlive: nothing,
    setHops: nothing,
  };
}
