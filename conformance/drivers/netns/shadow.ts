// What cleans up where this process cannot, because it was killed.
import { spawn } from "node:child_process";
import { Socket } from "node:net";
import { ours, FOLDER } from "./namespaces.ts";
import { ownRunFolders } from "./run-folder.ts";

/** Ends what runs in the namespaces whose names begin with $1, and removes them and the folders $2. */
const CLEAN_UP = `read -r _
for path in ${FOLDER}/"$1"*; do
  [ -e "$path" ] || continue
  ip netns pids "\${path##*/}" | xargs -r kill -9
  ip netns del "\${path##*/}"
done
rm -rf $2*`;

/** Starts a shell that waits for the end of this process, however it comes, and then takes along what it left. */
export function castShadow(): void {
  const shell = spawn("sh", ["-c", CLEAN_UP, "sh", ours(), ownRunFolders()], {
    stdio: ["pipe", "ignore", "ignore"],
    // A group of its own: the terminal's Ctrl-C is for this process.
    detached: true,
  });
  shell.unref();
  // The pipe closes with this process, and does not keep it.
  if (shell.stdin instanceof Socket) shell.stdin.unref();
}
