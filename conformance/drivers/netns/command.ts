// Commands of iproute2 and their like, run without a shell.
import { spawn } from "node:child_process";

export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
}

export interface CommandOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, whatever its exit code. Rejects where it cannot be started. */
export function tryRun(command: string, args: readonly string[], input = ""): Promise<CommandOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, stdout, stderr }));
    // A command that ended early does not read what is left.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/** Runs a command and resolves with its output. Rejects with CommandFailed unless it exits with 0. */
export async function run(command: string, args: readonly string[], input = ""): Promise<string> {
  const { code, stdout, stderr } = await tryRun(command, args, input);
  if (code === 0) return stdout;
  throw new CommandFailed(
    `${command} ${args.join(" ")}: ${stderr.trim() || `exit code ${code}`}${input && `\n${input}`}`,
  );
}

/** Many `ip` commands in one process; without a namespace, in this one. */
export async function ipBatch(namespace: string | undefined, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  const where = namespace === undefined ? [] : ["-n", namespace];
  await run("ip", [...where, "-batch", "-"], `${lines.join("\n")}\n`);
}
