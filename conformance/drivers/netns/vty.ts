// The terminal of an FRR daemon as vtysh(1) uses it (lib/vty.c, vtysh_read): a command ends with a zero byte, its answer with
// three zero bytes and the status.
import { connect } from "node:net";

/** Many worlds may be starting at once. */
const PATIENCE_MS = 20_000;
const END = Buffer.alloc(3);
const NUL = "\0";

interface Reply {
  readonly text: string;
  readonly status: number;
}

function repliesIn(bytes: Buffer): readonly Reply[] {
  const replies: Reply[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf(END, at);
    const status = bytes[end + END.length];
    if (end === -1 || status === undefined) return replies;
    replies.push({ text: bytes.toString("utf8", at, end), status });
    at = end + END.length + 1;
  }
}

/** Resolves with the answer. Rejects where nobody listens at `path`, or does not answer for long, or does not understand. */
export function askDaemon(path: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const socket = connect({ path });
    const end = (error: Error | undefined, text = ""): void => {
      socket.destroy();
      if (error === undefined) resolve(text);
      else reject(error);
    };
    socket.setTimeout(PATIENCE_MS, () => end(new Error(`${path} does not answer "${command}"`)));
    socket.on("error", end);
    socket.on("close", () => end(new Error(`${path} hung up on "${command}"`)));
    socket.on("data", (more: Buffer) => {
      bytes = Buffer.concat([bytes, more]);
      const [, reply] = repliesIn(bytes);
      if (reply === undefined) return;
      end(reply.status === 0 ? undefined : new Error(`"${command}": ${reply.text.trim()}`), reply.text);
    });
    // The privilege that all but `show` needs, then the command.
    socket.write(`enable${NUL}${command}${NUL}`);
  });
}
