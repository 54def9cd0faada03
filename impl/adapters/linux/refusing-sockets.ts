// For tests: what happens where the kernel says no.
import { type Log } from "./log.ts";
import { type NativeSockets } from "./native.ts";

const SOL_SOCKET = 1;

/** Sockets that refuse every option of SOL_SOCKET, and write down what they are asked. */
export function refusing(code: string): {
  readonly native: NativeSockets;
  readonly log: Log;
  readonly trace: readonly string[];
} {
  const trace: string[] = [];
  const unexpected = (): never => {
    throw new Error("nothing more is to be asked");
  };
  const native: NativeSockets = {
    socket: (domain, type) => trace.push(`socket ${domain} ${type}`),
    setsockopt: (_, level, option) => {
      const refused = level === SOL_SOCKET;
      trace.push(`setsockopt ${level}/${option}${refused ? ` ${code}` : ""}`);
      if (refused) throw Object.assign(new Error(`setsockopt ${code}`), { code });
    },
    close: () => void trace.push("close"),
    bind: unexpected,
    attachFilter: unexpected,
    send: unexpected,
    poll: unexpected,
    unpoll: unexpected,
  };
  const log: Log = (level, event, { because, hint }) => {
    trace.push(`${level} ${event}: ${String(because)}, ${String(hint)}`);
  };
  return { native, log, trace };
}
