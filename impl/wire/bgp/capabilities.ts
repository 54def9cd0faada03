// RFC 5492 (capabilities); each capability names its own below.
import { unreachable } from "../brand.ts";
import { type Reader } from "../reader.ts";
import { decodeUtf8, encodeUtf8 } from "../text.ts";
import { inSeconds, type Micros, seconds } from "../time.ts";
import { Writer } from "../writer.ts";
import { type AddressFamily } from "./families.ts";

/** IANA "Capability Codes". */
const CODES = {
  multiprotocol: 1,
  routeRefresh: 2,
  extendedNextHop: 5,
  gracefulRestart: 64,
  fourOctetAs: 65,
  enhancedRouteRefresh: 70,
  fqdn: 73,
} as const;

/**
 * RFC 4760 section 8.
 *
 *   afi       2
 *   reserved  1
 *   safi      1
 */
export interface Multiprotocol extends AddressFamily {
  readonly kind: "multiprotocol";
}

/** RFC 8950 section 4: routes of `afi` and `safi` may have next hops of the family `nextHopAfi`; six bytes each. */
export interface ExtendedNextHop {
  readonly kind: "extendedNextHop";
  readonly encodings: readonly (AddressFamily & { readonly nextHopAfi: number })[];
}

/**
 * RFC 4724 section 3, RFC 8538 section 2.
 *
 *   restarting    1 bit    (R)
 *   notification  1 bit    (N) the restart procedures also follow a NOTIFICATION
 *   reserved      2 bits
 *   restartTime   12 bits  seconds
 *   families      4 each   AFI, SAFI, flags (F: forwarding state was preserved)
 */
export interface GracefulRestart {
  readonly kind: "gracefulRestart";
  readonly restarting: boolean;
  readonly notification: boolean;
  readonly restartTime: Micros;
  readonly families: readonly (AddressFamily & { readonly forwardingPreserved: boolean })[];
}

/** draft-walton-bgp-hostname-capability-02: two names, each after one byte of length. */
export interface Fqdn {
  readonly kind: "fqdn";
  readonly hostName: string;
  readonly domainName: string;
}

export type Capability =
  | Multiprotocol
  /** RFC 2918 section 2. */
  | { readonly kind: "routeRefresh" }
  /** RFC 7313 section 3.1. */
  | { readonly kind: "enhancedRouteRefresh" }
  | ExtendedNextHop
  | GracefulRestart
  /** RFC 6793 section 3. */
  | { readonly kind: "fourOctetAs"; readonly asn: number }
  | Fqdn
  | { readonly kind: "unknown"; readonly code: number; readonly value: Uint8Array };

export type CapabilityOf<Kind extends Capability["kind"]> = Extract<Capability, { readonly kind: Kind }>;

/** RFC 4724 section 3 says so of graceful restart: of several of one kind the last one counts. */
export function findCapability<Kind extends Capability["kind"]>(
  capabilities: readonly Capability[],
  kind: Kind,
): CapabilityOf<Kind> | undefined {
  return capabilities.findLast((capability): capability is CapabilityOf<Kind> => capability.kind === kind);
}

export function offersFamily(capabilities: readonly Capability[], { afi, safi }: AddressFamily): boolean {
  return capabilities.some((each) => each.kind === "multiprotocol" && each.afi === afi && each.safi === safi);
}

/** RFC 5492 section 4: code, length, value. */
export function writeCapability(writer: Writer, capability: Capability): void {
  const value = new Writer();
  writeValue(value, capability);
  if (value.length > 0xff) throw new Error(`capability ${capability.kind} has ${value.length} bytes`);
  writer
    .u8(capability.kind === "unknown" ? capability.code : CODES[capability.kind])
    .u8(value.length)
    .bytes(value.view());
}

function writeValue(writer: Writer, capability: Capability): void {
  switch (capability.kind) {
    case "multiprotocol":
      writer.u16(capability.afi).u8(0).u8(capability.safi);
      break;
    case "routeRefresh":
    case "enhancedRouteRefresh":
      break;
    case "extendedNextHop":
      for (const { afi, safi, nextHopAfi } of capability.encodings) writer.u16(afi).u16(safi).u16(nextHopAfi);
      break;
    case "gracefulRestart": {
      const flags = (capability.restarting ? 0x8000 : 0) | (capability.notification ? 0x4000 : 0);
      writer.u16(flags | (inSeconds(capability.restartTime) & 0xfff));
      for (const { afi, safi, forwardingPreserved } of capability.families) {
        writer
          .u16(afi)
          .u8(safi)
          .u8(forwardingPreserved ? 0x80 : 0);
      }
      break;
    }
    case "fourOctetAs":
      writer.u32(capability.asn);
      break;
    case "fqdn":
      for (const name of [encodeUtf8(capability.hostName), encodeUtf8(capability.domainName)]) {
        writer.u8(name.length).bytes(name);
      }
      break;
    case "unknown":
      writer.bytes(capability.value);
      break;
    default:
      unreachable(capability);
  }
}

/** Reads capabilities to the end of a parameter. One whose length does not fit its kind is refused, as BIRD does. */
export function readCapabilities(parameter: Reader): readonly Capability[] {
  const capabilities: Capability[] = [];
  while (parameter.remaining > 0) {
    const code = parameter.u8("capabilityCode");
    const value = parameter.part(parameter.u8("capabilityLength"), `capability${code}`);
    const capability = readValue(value, code);
    if (value.remaining > 0) value.fail("length", `leaves ${value.remaining} bytes over`);
    capabilities.push(capability);
  }
  return capabilities;
}

function readValue(value: Reader, code: number): Capability {
  switch (code) {
    case CODES.multiprotocol: {
      const afi = value.u16("afi");
      value.u8("reserved");
      return { kind: "multiprotocol", afi, safi: value.u8("safi") };
    }
    case CODES.routeRefresh:
      return { kind: "routeRefresh" };
    case CODES.enhancedRouteRefresh:
      return { kind: "enhancedRouteRefresh" };
    case CODES.extendedNextHop:
      return readExtendedNextHop(value);
    case CODES.gracefulRestart:
      return readGracefulRestart(value);
    case CODES.fourOctetAs:
      return { kind: "fourOctetAs", asn: value.u32("asn") };
    case CODES.fqdn: {
      const hostName = readName(value, "hostName");
      return { kind: "fqdn", hostName, domainName: readName(value, "domainName") };
    }
    default:
      return { kind: "unknown", code, value: value.rest() };
  }
}

function readName(value: Reader, field: string): string {
  return decodeUtf8(value.bytes(value.u8(`${field}Length`), field));
}

function readExtendedNextHop(value: Reader): ExtendedNextHop {
  const encodings: { afi: number; safi: number; nextHopAfi: number }[] = [];
  while (value.remaining > 0) {
    encodings.push({ afi: value.u16("afi"), safi: value.u16("safi"), nextHopAfi: value.u16("nextHopAfi") });
  }
  return { kind: "extendedNextHop", encodings };
}

function readGracefulRestart(value: Reader): GracefulRestart {
  const flags = value.u16("flags");
  const families: { afi: number; safi: number; forwardingPreserved: boolean }[] = [];
  while (value.remaining > 0) {
    families.push({
      afi: value.u16("afi"),
      safi: value.u8("safi"),
      forwardingPreserved: (value.u8("familyFlags") & 0x80) !== 0,
    });
  }
  return {
    kind: "gracefulRestart",
    restarting: (flags & 0x8000) !== 0,
    notification: (flags & 0x4000) !== 0,
    restartTime: seconds(flags & 0xfff),
    families,
  };
}
