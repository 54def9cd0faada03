// `ip route` and `ipv6 route`.
import { type Ip, readIp } from "../../../impl/wire/ip.ts";
import { type Prefix } from "../../../impl/wire/prefix.ts";
import { STATIC_DISTANCE } from "./defaults.ts";
import { type Draft } from "./draft.ts";
import { type Command, statement } from "./grammar.ts";
import { type StaticRoute } from "./model.ts";
import { addressIn, fail, familyNamed, number, prefixOf } from "./values.ts";

const DISCARDING: ReadonlySet<string> = new Set(["Null0", "null0", "blackhole", "reject"]);

interface Options {
  readonly device: string | undefined;
  readonly distance: number;
  readonly vrf: string | undefined;
}

/** What may follow the gateway: the device, then a distance and a VRF in any order. */
function readOptions(words: readonly string[], vrf: string | undefined): Options {
  let found: Options = { device: undefined, distance: STATIC_DISTANCE, vrf };
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "vrf") found = { ...found, vrf: rest.shift() ?? fail("the name of the VRF is missing") };
    else if (word === "onlink") continue;
    else if (/^\d+$/.test(word)) found = { ...found, distance: number(1, 255)(word, "DISTANCE") };
    else if (["nexthop-vrf", "tag", "table", "label", "color", "segments", "bfd"].includes(word))
      fail(`${word} is not supported`);
    else if (found.device === undefined) found = { ...found, device: word };
    else fail(`"${word}" is not understood`);
  }
  return found;
}

function target(gateway: string, device: string | undefined, via: Ip | undefined): StaticRoute["to"] {
  if (via !== undefined) return { kind: "via", via, device };
  if (DISCARDING.has(gateway)) return { kind: "blackhole" };
  return { kind: "device", device: gateway };
}

const sameRoute = (a: StaticRoute, b: StaticRoute): boolean =>
  a.prefix === b.prefix && a.vrf === b.vrf && JSON.stringify(a.to) === JSON.stringify(b.to);

function readRoute(prefix: Prefix, words: readonly string[], vrf: string | undefined): StaticRoute {
  const [gateway, ...rest] = words;
  if (gateway === undefined) return fail("the gateway is missing");
  const options = readOptions(rest, vrf);
  const own = prefix.includes(":") ? "ipv6" : "ipv4";
  const via =
    /^[\da-f.:]*[.:][\da-f.:]*$/i.test(gateway) && !hasDeviceName(gateway) ? addressIn(own)(gateway) : undefined;
  return { prefix, vrf: options.vrf, to: target(gateway, options.device, via), distance: options.distance };
}

/** `be.10` is an interface although all its letters are hexadecimal. */
const hasDeviceName = (text: string): boolean => readIp(text) === undefined && /^[a-z]+\d*\.\d+$/i.test(text);

/** Static routes of a VRF, or of the default one. */
export function routeStatements(vrf: string | undefined): readonly Command<Draft>[] {
  return [
    statement("ip|ipv6 route PREFIX ...", (draft, words, no) => {
      const prefix = words.read("PREFIX", prefixOf(familyNamed(words.text("ip|ipv6"))));
      const route = readRoute(prefix, words.rest, vrf);
      const others = draft.staticRoutes.filter((known) => !sameRoute(known, route));
      if (no && others.length === draft.staticRoutes.length) fail("there is no such route");
      if (route.vrf !== undefined) draft.vrfs.add(route.vrf);
      draft.staticRoutes = no ? others : [...others, route];
    }),
  ];
}
