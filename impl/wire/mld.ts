// RFC 3810 (MLDv2), RFC 2710 (MLDv1, whose queries are told apart by their length).
import { type Ipv6 } from "./ip.ts";
import { type Reader } from "./reader.ts";
import { inMillis, inSeconds, type Micros, millis, seconds } from "./time.ts";
import { type Writer } from "./writer.ts";

/** IANA "ICMPv6 Parameters", types. */
export const MLD_TYPES = { mldQuery: 130, mldReport: 143 } as const;

/** RFC 3810 section 5.2.14: version 2 reports go here. */
export const ALL_MLDV2_ROUTERS = "ff02::16" as Ipv6;

/** RFC 3810 section 5.2.12. */
const RECORD_TYPES = {
  modeIsInclude: 1,
  modeIsExclude: 2,
  changeToInclude: 3,
  changeToExclude: 4,
  allowNewSources: 5,
  blockOldSources: 6,
} as const;
export type MldRecordType = keyof typeof RECORD_TYPES;

/**
 * RFC 3810 section 5.2.
 *
 *   reserved     2
 *   recordCount  2
 *   records      …
 */
export interface MldReport {
  readonly kind: "mldReport";
  readonly records: readonly MldRecord[];
}

/**
 *   type         1
 *   auxLength    1   in words of 32 bits
 *   sourceCount  2
 *   group        16
 *   sources      16 each
 *   auxiliary    …   without meaning
 */
export interface MldRecord {
  readonly type: MldRecordType;
  readonly group: Ipv6;
  readonly sources: readonly Ipv6[];
}

/**
 * RFC 3810 section 5.1; a query of version 1 (RFC 2710 section 3) ends with the group.
 *
 *   maximumResponse  2       milliseconds; in version 2, from 32768 on, a floating point code
 *   reserved         2
 *   group            16      `::` asks for every group
 *   reserved         4 bits
 *   suppress         1 bit
 *   robustness       3 bits
 *   interval         1       seconds; from 128 on, a floating point code
 *   sourceCount      2
 *   sources          16 each
 */
export interface MldQuery {
  readonly kind: "mldQuery";
  readonly maximumResponse: Micros;
  readonly group: Ipv6;
  /** What version 2 adds. */
  readonly version2?: MldQueryV2 | undefined;
}

export interface MldQueryV2 {
  readonly suppress: boolean;
  readonly robustness: number;
  readonly interval: Micros;
  readonly sources: readonly Ipv6[];
}

/** Writes what follows the ICMPv6 checksum. */
export function writeMldReport(writer: Writer, report: MldReport): void {
  writer.u16(0).u16(report.records.length);
  for (const { type, group, sources } of report.records) {
    writer.u8(RECORD_TYPES[type]).u8(0).u16(sources.length).ip(group);
    for (const source of sources) writer.ip(source);
  }
}

export function readMldReport(reader: Reader): MldReport {
  reader.u16("reserved");
  const count = reader.u16("recordCount");
  const records: MldRecord[] = [];
  for (let index = 0; index < count; index++) {
    const type = recordType(reader.u8("records.type"));
    const auxLength = reader.u8("records.auxLength") * 4;
    const sourceCount = reader.u16("records.sourceCount");
    const group = reader.ipv6("records.group");
    const sources = readSources(reader, sourceCount, "records.sources");
    reader.bytes(auxLength, "records.auxiliary");
    // RFC 3810 section 5.2.12: records of an unknown type are ignored.
    if (type !== undefined) records.push({ type, group, sources });
  }
  return { kind: "mldReport", records };
}

function recordType(code: number): MldRecordType | undefined {
  switch (code) {
    case RECORD_TYPES.modeIsInclude:
      return "modeIsInclude";
    case RECORD_TYPES.modeIsExclude:
      return "modeIsExclude";
    case RECORD_TYPES.changeToInclude:
      return "changeToInclude";
    case RECORD_TYPES.changeToExclude:
      return "changeToExclude";
    case RECORD_TYPES.allowNewSources:
      return "allowNewSources";
    case RECORD_TYPES.blockOldSources:
      return "blockOldSources";
    default:
      return undefined;
  }
}

function readSources(reader: Reader, count: number, field: string): readonly Ipv6[] {
  const sources: Ipv6[] = [];
  for (let index = 0; index < count; index++) sources.push(reader.ipv6(field));
  return sources;
}

/** Writes what follows the ICMPv6 checksum. Times that have no code are rounded down to one that is. */
export function writeMldQuery(writer: Writer, query: MldQuery): void {
  const { version2 } = query;
  const response = inMillis(query.maximumResponse);
  writer
    .u16(version2 === undefined ? response : toCode(response, 12))
    .u16(0)
    .ip(query.group);
  if (version2 === undefined) return;
  writer
    .u8((version2.suppress ? 0x08 : 0) | version2.robustness)
    .u8(toCode(inSeconds(version2.interval), 4))
    .u16(version2.sources.length);
  for (const source of version2.sources) writer.ip(source);
}

export function readMldQuery(reader: Reader): MldQuery {
  const code = reader.u16("maximumResponse");
  reader.u16("reserved");
  const group = reader.ipv6("group");
  // RFC 3810 section 8.1: 24 bytes are a query of version 1, at least 28 one of version 2.
  if (reader.remaining === 0) return { kind: "mldQuery", maximumResponse: millis(code), group };
  const flags = reader.u8("robustness");
  const interval = seconds(fromCode(reader.u8("interval"), 4));
  const sources = readSources(reader, reader.u16("sourceCount"), "sources");
  const version2 = { suppress: (flags & 0x08) !== 0, robustness: flags & 0x07, interval, sources };
  return { kind: "mldQuery", maximumResponse: millis(fromCode(code, 12)), group, version2 };
}

/** RFC 3810 sections 5.1.3 and 5.1.9: one bit, three bits of exponent, then the mantissa, whose leading one is left out. */
function fromCode(code: number, mantissaBits: number): number {
  const one = 2 ** mantissaBits;
  if (code < one * 8) return code;
  return ((code % one) + one) * 2 ** (Math.floor(code / one - 8) + 3);
}

function toCode(value: number, mantissaBits: number): number {
  const one = 2 ** mantissaBits;
  if (value < one * 8) return Math.floor(value);
  for (let exponent = 0; exponent < 8; exponent++) {
    const mantissa = Math.floor(value / 2 ** (exponent + 3)) - one;
    if (mantissa < one) return one * (8 + exponent) + mantissa;
  }
  return one * 16 - 1;
}
