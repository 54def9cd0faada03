// What the labels of a bridge say about the switch that it stands for.
import { SWITCH_PROFILES } from "../../sim/ethernet/switch-profile.ts";
import { readDuration } from "./files.ts";
import { type PortSpec, type SwitchSpec } from "./model.ts";
import { type Value } from "./yaml.ts";

const PORT = "assay.port.";
const OTHERS = ["assay.switch", "assay.ageing"];

function readNumbers(text: string, least: number, most: number): readonly number[] | undefined {
  const numbers = text.split(",").map((word) => (/^\d+$/.test(word) ? Number(word) : -1));
  return numbers.every((number) => number >= least && number <= most) ? numbers : undefined;
}

/** IEEE 802.1Q: 0 and 4095 are no VLANs. */
const readVlans = (text: string): readonly number[] | undefined => readNumbers(text, 1, 4094);

/** One word of a port's label; undefined where it is not understood. */
function readPortWord(word: string): Partial<PortSpec> | undefined {
  const [key, setting = ""] = word.split("=");
  if (key === "isolated" && setting === "") return { isolated: true };
  if (key === "trunk") {
    const trunk = readVlans(setting);
    return trunk === undefined ? undefined : { trunk };
  }
  const numbers = key === "access" ? readVlans(setting) : key === "mtu" ? readNumbers(setting, 68, 65_535) : undefined;
  const [number] = numbers ?? [];
  if (number === undefined || numbers?.length !== 1) return undefined;
  return key === "access" ? { access: number } : { mtu: number };
}

/** `isolated`, `access=10`, `trunk=10,20 access=1`, `mtu=1400`. */
function readPort(value: Value): PortSpec {
  let port: PortSpec = { isolated: false, access: undefined, trunk: [], mtu: undefined };
  for (const word of value.string().trim().split(/\s+/)) {
    const part = readPortWord(word);
    if (part === undefined) {
      value.fail(`"${word}" is not understood: isolated, access=VLAN, trunk=VLAN,VLAN or mtu=BYTES`);
    }
    port = { ...port, ...part };
  }
  return port;
}

/** The labels of ports, which must all have a cable. */
export function portLabels(value: Value): readonly (readonly [port: string, where: Value])[] {
  return value
    .get("labels")
    .entries()
    .filter(([key]) => key.startsWith(PORT))
    .map(([key, label]) => [key.slice(PORT.length), label]);
}

export function readSwitch(name: string, value: Value): SwitchSpec {
  const labels = value.get("labels");
  for (const [key, label] of labels.entries()) {
    if (key.startsWith("assay.") && !key.startsWith(PORT) && !OTHERS.includes(key)) label.fail("is not a known label");
  }
  const profile = labels.get("assay.switch").text() ?? "linux-bridge";
  const profiles = Object.keys(SWITCH_PROFILES);
  if (!profiles.includes(profile)) {
    labels.get("assay.switch").fail(`there is no profile "${profile}", only ${profiles.join(", ")}`);
  }
  return {
    name,
    profile,
    ageing: readDuration(labels.get("assay.ageing")),
    ports: new Map(portLabels(value).map(([port, label]) => [port, readPort(label)])),
  };
}
