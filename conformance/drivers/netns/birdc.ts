// BIRD's control socket as birdc(8) uses it: a line asks, lines with a code of four digits answer; a space after the code
// ends the answer, a line without a code goes on from the one before.
import { connect } from "node:net";

/** Many worlds may be starting at once. */
const PATIENCE_MS = 20_000;
/** Codes from here on say that something is wrong. */
const REFUSED = 8000;

/** The lines of an answer without their codes. */
export function askBird(path: string, question: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    let rest = "";
    let greeted = false;
    const lines: string[] = [];
    const socket = connect({ path });
    const end = (error: Error | undefined): void => {
      socket.destroy();
      if (error === undefined) resolve(lines);
      else reject(error);
    };
    const read = (line: string): void => {
      const [, code, more, text = ""] = /^(\d{4})([- ])(.*)$/.exec(line) ?? [];
      if (code === undefined) lines.push(line.slice(1));
      else if (!greeted) {
        greeted = true;
        socket.write(`${question}\n`);
      } else {
        if (text !== "") lines.push(text);
        if (more === " ") end(Number(code) >= REFUSED ? new Error(`"${question}": ${lines.join(" ")}`) : undefined);
      }
    };
    socket.setTimeout(PATIENCE_MS, () => end(new Error(`${path} does not answer "${question}"`)));
    socket.on("error", end);
    socket.on("close", () => end(new Error(`${path} hung up on "${question}"`)));
    socket.setEncoding("utf8").on("data", (text: string) => {
      const whole = (rest + text).split("\n");
      rest = whole.pop() ?? "";
      for (const line of whole) read(line);
    });
  });
}
