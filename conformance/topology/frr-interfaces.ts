// Addresses and static routes of an frr.conf; everything else of it belongs to the router that reads the whole file.
import { readInterfaceAddress } from "../../impl/wire/prefix.ts";
import { type ExecCommand, readExec } from "./exec.ts";

export interface FrrLine {
  readonly line: number;
  readonly command: ExecCommand;
}

/** The commands that the file amounts to, or the first line that is wrong. */
export function readFrrInterfaces(
  text: string,
): readonly FrrLine[] | { readonly line: number; readonly problem: string } {
  const found: FrrLine[] = [];
  let device: string | undefined;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = index + 1;
    const words = raw.trim().split(/\s+/);
    const [first, second, third] = words;
    if (first === "interface" && second !== undefined) device = second;
    else if (first === "exit" || first === "!" || (raw !== "" && !raw.startsWith(" "))) {
      if (first !== "ip" && first !== "ipv6") device = undefined;
    }
    if ((first === "ip" || first === "ipv6") && second === "address") {
      const address = readInterfaceAddress(third ?? "");
      if (device === undefined) return { line, problem: `"${raw.trim()}" stands outside an interface` };
      if (address === undefined) return { line, problem: `"${third ?? ""}" is not an address with a prefix length` };
      found.push({ line, command: { kind: "address", device, address } });
    }
    if ((first === "ip" || first === "ipv6") && second === "route" && third !== undefined) {
      const gateway = words[3] ?? "";
      const command = readExec(`ip route add ${third} ${/[.:]/.test(gateway) ? "via" : "dev"} ${gateway}`);
      if (typeof command === "string") return { line, problem: command };
      found.push({ line, command });
    }
  }
  return found;
}
