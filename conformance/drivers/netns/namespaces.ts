// Network namespaces of this process, and those that a process before it left behind.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { ipBatch, tryRun } from "./command.ts";

const PREFIX = "assay";
/** Where ip-netns(8) keeps names. */
export const FOLDER = "/run/netns";

const OWNED = new RegExp(`^${PREFIX}-(\\d+)-\\d+-`);

/** `assay-<pid>-<world>-<station>`: the name says who must clean up. */
export const namespaceName = (world: number, station: string): string => `${ours()}${world}-${station}`;

/** How the names of this process's namespaces begin. */
export const ours = (): string => `${PREFIX}-${process.pid}-`;

export const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

/** Namespaces whose maker is gone. */
export function abandoned(names: readonly string[], alive: (pid: number) => boolean = isAlive): readonly string[] {
  return names.filter((name) => {
    const pid = OWNED.exec(name)?.[1];
    return pid !== undefined && !alive(Number(pid));
  });
}

const existing = (): readonly string[] => (existsSync(FOLDER) ? readdirSync(FOLDER) : []);

/** Ends what still runs in a namespace: it was started there by its maker, and nobody else enters it. */
async function endProcesses(namespace: string): Promise<void> {
  const { stdout } = await tryRun("ip", ["netns", "pids", namespace]);
  for (const pid of stdout.split("\n").filter((line) => line !== "")) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
}

const REMOVE = ["-force", "-batch", "-"];
const removal = (names: readonly string[]): string => names.map((name) => `netns del ${name}\n`).join("");

export async function addNamespaces(names: readonly string[]): Promise<void> {
  await ipBatch(
    undefined,
    names.map((name) => `netns add ${name}`),
  );
}

/** Interfaces go with their namespaces. Never rejects: what is gone already is no problem. */
export async function removeNamespaces(names: readonly string[]): Promise<void> {
  await tryRun("ip", REMOVE, removal(names));
}

/** As removeNamespaces, before this returns: for the end of a process. */
export function removeNamespacesNow(names: readonly string[]): void {
  spawnSync("ip", REMOVE, { input: removal(names) });
}

/** Removes the namespaces of processes that ended without doing so. */
export async function reap(): Promise<void> {
  const names = abandoned(existing());
  for (const name of names) await endProcesses(name);
  await removeNamespaces(names);
}
