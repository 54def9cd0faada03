// The lines of `exec` that Assay understands: a closed grammar of `ip` and `sysctl`. Whatever else would change the network
// is refused, so that no topology means one thing to containerlab and another here.
import { ConfigError } from "../../impl/wire/errors.ts";
import { type Ip, readIp } from "../../impl/wire/ip.ts";
import { isMac, type Mac, parseMac } from "../../impl/wire/mac.ts";
import { type InterfaceAddress, type Prefix, readInterfaceAddress, readPrefix } from "../../impl/wire/prefix.ts";
import { readSetting } from "../../sim/host/sysctl.ts";

export type ExecCommand =
  | { readonly kind: "address"; readonly device: string; readonly address: InterfaceAddress }
  | {
      readonly kind: "route";
      readonly prefix: Prefix;
      readonly via: Ip | undefined;
      readonly device: string | undefined;
      readonly vrf: string | undefined;
    }
  | { readonly kind: "linkAdd"; readonly name: string; readonly type: LinkType }
  | { readonly kind: "linkSet"; readonly device: string; readonly change: LinkSetting }
  | { readonly kind: "sysctl"; readonly name: string; readonly value: string }
  | { readonly kind: "harmless" };

export type LinkType =
  | { readonly kind: "bridge" }
  | { readonly kind: "bond" }
  | { readonly kind: "vrf"; readonly table: number }
  | { readonly kind: "vlan"; readonly parent: string; readonly id: number };

export interface LinkSetting {
  readonly up?: boolean;
  readonly mtu?: number;
  readonly mac?: Mac;
  readonly master?: string;
  readonly noArp?: boolean;
}

const MAX_TABLE = 0xffffffff;

const HARMLESS = new Set(["echo", "true", "sleep", "hostname", "ping", "touch", "mkdir"]);

/** Words with `key value` pairs behind the positional ones. */
function options(words: readonly string[], keys: readonly string[]): ReadonlyMap<string, string> | undefined {
  const found = new Map<string, string>();
  for (let index = 0; index < words.length; index += 2) {
    const key = words[index] ?? "";
    const value = words[index + 1];
    if (!keys.includes(key) || value === undefined) return undefined;
    found.set(key, value);
  }
  return found;
}

function readAddress(words: readonly string[]): ExecCommand | string {
  const [verb, ...rest] = words;
  const at = rest.indexOf("dev");
  const device = rest[at + 1];
  const [text = ""] = rest.filter((_, index) => at < 0 || (index !== at && index !== at + 1));
  const address = readInterfaceAddress(text);
  if (verb !== "add" && verb !== "replace") return `"ip address ${verb ?? ""}" is not supported`;
  if (at < 0 || device === undefined) return "the device is missing: ip address add ADDRESS/LENGTH dev DEVICE";
  if (address === undefined) return `"${text}" is not an address with a prefix length`;
  return { kind: "address", device, address };
}

function readRoute(words: readonly string[], v6: boolean): ExecCommand | string {
  const [verb, target = "", ...rest] = words;
  if (verb !== "add" && verb !== "replace") return `"ip route ${verb ?? ""}" is not supported`;
  const found = options(rest, ["via", "dev", "vrf"]);
  if (found === undefined) return "only via, dev and vrf are supported: ip route add PREFIX via ADDRESS dev DEVICE";
  const viaText = found.get("via");
  const via = viaText === undefined ? undefined : readIp(viaText);
  if (viaText !== undefined && via === undefined) return `"${viaText}" is not an IP address`;
  const everything = v6 || viaText?.includes(":") === true ? "::/0" : "0.0.0.0/0";
  const prefix = readPrefix(
    target === "default" ? everything : target.includes("/") ? target : `${target}/${target.includes(":") ? 128 : 32}`,
  );
  if (prefix === undefined) return `"${target}" is not a prefix`;
  const device = found.get("dev");
  if (via === undefined && device === undefined) return "a route needs via or dev";
  return { kind: "route", prefix, via, device, vrf: found.get("vrf") };
}

function readLinkAdd(words: readonly string[]): ExecCommand | string {
  const at = words.indexOf("type");
  const type = words[at + 1];
  if (at < 0 || type === undefined) return "the type is missing: ip link add NAME type bridge|bond|vlan|vrf";
  const before = words.slice(0, at);
  const parentAt = before.indexOf("link");
  const parent = parentAt < 0 ? undefined : before[parentAt + 1];
  const name = before.filter(
    (word, index) =>
      word !== "name" && word !== "dev" && (parentAt < 0 || (index !== parentAt && index !== parentAt + 1)),
  )[0];
  const rest = words.slice(at + 2);
  if (name === undefined) return "the name is missing: ip link add NAME type bridge|bond|vlan|vrf";
  if (type === "bridge" && rest.length === 0) return { kind: "linkAdd", name, type: { kind: "bridge" } };
  if (type === "bond") {
    const mode = options(rest, ["mode", "miimon"])?.get("mode");
    if (mode !== "active-backup" && mode !== "1") return "only bonds with mode active-backup are supported";
    return { kind: "linkAdd", name, type: { kind: "bond" } };
  }
  if (type === "vlan") {
    const id = Number(options(rest, ["id", "protocol"])?.get("id"));
    if (parent === undefined || !Number.isInteger(id) || id < 1 || id > 4094) {
      return "a VLAN needs its parent and an id from 1 to 4094: ip link add link eth1 name eth1.10 type vlan id 10";
    }
    return { kind: "linkAdd", name, type: { kind: "vlan", parent, id } };
  }
  if (type === "vrf") {
    const table = Number(options(rest, ["table"])?.get("table"));
    if (!Number.isInteger(table) || table < 1 || table > MAX_TABLE) {
      return "a VRF needs the number of its table: ip link add red type vrf table 2";
    }
    return { kind: "linkAdd", name, type: { kind: "vrf", table } };
  }
  return `interfaces of type ${type} are not supported`;
}

function readLinkSet(words: readonly string[]): ExecCommand | string {
  const rest = words[0] === "dev" ? words.slice(1) : words;
  const [device, ...settings] = rest;
  if (device === undefined) return "the device is missing: ip link set DEVICE …";
  let change: LinkSetting = {};
  for (let index = 0; index < settings.length; index++) {
    const word = settings[index];
    const value = settings[index + 1] ?? "";
    if (word === "up" || word === "down") change = { ...change, up: word === "up" };
    else if (word === "mtu" && /^\d+$/.test(value)) change = { ...change, mtu: Number(value) };
    else if (word === "address" && isMac(value)) change = { ...change, mac: parseMac(value) };
    else if (word === "master") change = { ...change, master: value };
    else if (word === "arp" && (value === "on" || value === "off")) change = { ...change, noArp: value === "off" };
    else return `"ip link set ${settings.join(" ")}" is not supported`;
    if (word !== "up" && word !== "down") index++;
  }
  return { kind: "linkSet", device, change };
}

function readIpCommand(words: readonly string[]): ExecCommand | string {
  const flags = words.filter((word) => word === "-4" || word === "-6");
  const [object = "", ...rest] = words.filter((word) => word !== "-4" && word !== "-6");
  const isObject = (name: string): boolean => object !== "" && name.startsWith(object);
  if (isObject("address")) return readAddress(rest);
  if (isObject("route")) return readRoute(rest, flags.includes("-6"));
  if (isObject("link") && rest[0] === "add") return readLinkAdd(rest.slice(1));
  if (isObject("link") && rest[0] === "set") return readLinkSet(rest.slice(1));
  return `"ip ${words.join(" ")}" is not supported`;
}

/** Settings by which the simulated kernel already is as they ask. */
const AS_IT_IS = /^net\.ipv6\.conf\.\S+\.disable_ipv6=0$|^net\.ipv4\.conf\.\S+\.rp_filter=0$/;

/** Settings outside net.ipv4 and net.ipv6 change nothing that is simulated; a string says what is wrong with one. */
export function readSysctl(name: string, value: string): ExecCommand | string {
  if (!/^net\.ipv[46]\./.test(name) || AS_IT_IS.test(`${name}=${value}`)) return { kind: "harmless" };
  try {
    readSetting(name, value);
    return { kind: "sysctl", name, value };
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

/** One command of an exec list; a string says what is wrong with it. */
export function readExec(line: string): ExecCommand | string {
  const words = line.trim().split(/\s+/);
  const [program = "", ...rest] = words;
  if (program === "ip") return readIpCommand(rest);
  if (program === "sysctl") {
    const [, name, value] =
      /^([\w.\-/]+)=(\S+)$/.exec(rest.filter((word) => word !== "-w" && word !== "-q").join("")) ?? [];
    if (name === undefined || value === undefined) return "expected sysctl -w NAME=VALUE";
    return readSysctl(name.replaceAll("/", "."), value);
  }
  if (HARMLESS.has(program)) return { kind: "harmless" };
  return `"${line}" might change the network and is not understood: ip address|route|link and sysctl are`;
}
