import { readFileSync } from "node:fs";

/** if_nametoindex(3) in this process's namespace: `ip netns exec` mounts its /sys. */
export const interfaceIndex = (name: string): number => Number(readFileSync(`/sys/class/net/${name}/ifindex`, "utf8"));
