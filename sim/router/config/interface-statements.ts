import { familyOf } from "../../../impl/wire/ip.ts";
import { millis, seconds } from "../../../impl/wire/time.ts";
import { type InterfaceDraft } from "./draft.ts";
import { type Frame, Grammar, ignored, statement } from "./grammar.ts";
import { fail, familyNamed, interfaceAddress, number } from "./values.ts";

export function newInterface(name: string): InterfaceDraft {
  return {
    name,
    vrf: undefined,
    addresses: [],
    shutdown: false,
    suppressAdvertisements: true,
    advertisementInterval: undefined,
    advertisementLifetime: undefined,
  };
}

export const INTERFACE = new Grammar<InterfaceDraft>([
  statement("ip|ipv6 address ADDRESS [label LABEL]", (device, words, no) => {
    const address = words.read("ADDRESS", interfaceAddress);
    if (familyOf(address.ip) !== familyNamed(words.text("ip|ipv6")))
      fail(`"${words.text("ADDRESS")}" is of the other family`);
    const others = device.addresses.filter(({ ip, length }) => ip !== address.ip || length !== address.length);
    device.addresses = no ? others : [...others, address];
  }),
  statement("shutdown", (device, _words, no) => {
    device.shutdown = !no;
  }),
  statement("ipv6 nd suppress-ra", (device, _words, no) => {
    device.suppressAdvertisements = !no;
  }),
  statement("ipv6 nd ra-interval msec / INTERVAL", (device, words, no) => {
    device.advertisementInterval = no ? undefined : millis(words.read("INTERVAL", number(70, 1_800_000)));
  }),
  statement("ipv6 nd ra-interval / INTERVAL", (device, words, no) => {
    device.advertisementInterval = no ? undefined : seconds(words.read("INTERVAL", number(1, 1800)));
  }),
  statement("ipv6 nd ra-lifetime / LIFETIME", (device, words, no) => {
    device.advertisementLifetime = no ? undefined : seconds(words.read("LIFETIME", number(0, 9000)));
  }),
  ignored("description ..."),
  ignored("bandwidth ..."),
  ignored("link-detect"),
]);

export const interfaceFrame = (device: InterfaceDraft): Frame => INTERFACE.on(`interface ${device.name}`, device);
