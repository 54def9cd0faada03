// Folders for sockets and files of one run: the name says who must clean up.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive } from "./namespaces.ts";

const OWNED = /^assay-netns-(\d+)-/;

/** How the paths of this process's folders begin. */
export const ownRunFolders = (): string => join(tmpdir(), `assay-netns-${process.pid}-`);

export const createRunFolder = (): string => mkdtempSync(ownRunFolders());

export const removeRunFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true });

/** Removes the folders of processes that ended without doing so. */
export function reapRunFolders(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = OWNED.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) removeRunFolder(join(tmpdir(), name));
  }
}
