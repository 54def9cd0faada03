// draft-ietf-opsawg-pcapng: the file format of Wireshark. Block and option codes are named as there.
import { encodeUtf8 } from "../impl/wire/text.ts";
import { type CapturedFrame } from "./capture.ts";

const BLOCKS = { sectionHeader: 0x0a0d0d0a, interfaceDescription: 1, enhancedPacket: 6 } as const;
const OPTIONS = { endOfOptions: 0, comment: 1, userApplication: 4, interfaceName: 2, timestampResolution: 9 } as const;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const LINK_TYPE_ETHERNET = 1;
const NANOSECONDS = 9;

/** A section with one interface per capture point, in order of appearance, and the frames in the order given. */
export function writePcapng(frames: readonly CapturedFrame[]): Uint8Array {
  const interfaces = new Map<string, number>();
  for (const { point } of frames) if (!interfaces.has(point)) interfaces.set(point, interfaces.size);
  const out = new Blocks();
  writeSectionHeader(out);
  for (const name of interfaces.keys()) writeInterfaceDescription(out, name);
  for (const frame of frames) writeEnhancedPacket(out, frame, interfaces.get(frame.point) ?? 0);
  return out.finish();
}

/** Section 4.1: byte-order magic, version 1.0, section length (-1: not stated). */
function writeSectionHeader(out: Blocks): void {
  out.block(BLOCKS.sectionHeader, () => {
    out.u32(BYTE_ORDER_MAGIC).u16(1).u16(0).u32(0xffffffff).u32(0xffffffff);
    out.option(OPTIONS.userApplication, encodeUtf8("assay"));
    out.option(OPTIONS.endOfOptions);
  });
}

/** Section 4.2: link type, reserved, snapshot length (0: no limit). */
function writeInterfaceDescription(out: Blocks, name: string): void {
  out.block(BLOCKS.interfaceDescription, () => {
    out.u16(LINK_TYPE_ETHERNET).u16(0).u32(0);
    out.option(OPTIONS.interfaceName, encodeUtf8(name));
    out.option(OPTIONS.timestampResolution, Uint8Array.of(NANOSECONDS));
    out.option(OPTIONS.endOfOptions);
  });
}

/** Section 4.3: interface, timestamp (high and low half), captured length, original length, data. */
function writeEnhancedPacket(out: Blocks, frame: CapturedFrame, interfaceId: number): void {
  const { time, bytes, comments } = frame;
  const nanos = BigInt(time) * 1000n;
  out.block(BLOCKS.enhancedPacket, () => {
    out.u32(interfaceId);
    out.u32(Number(nanos >> 32n)).u32(Number(nanos & 0xffffffffn));
    out.u32(bytes.length).u32(bytes.length).padded(bytes);
    for (const comment of comments) out.option(OPTIONS.comment, encodeUtf8(comment));
    if (comments.length > 0) out.option(OPTIONS.endOfOptions);
  });
}

/** Writes little-endian fields and blocks into a buffer that grows. */
class Blocks {
  #bytes = new Uint8Array(65_536);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Type, total length, body, total length again (section 3.1). */
  block(type: number, writeBody: () => void): void {
    const start = this.#length;
    this.u32(type).u32(0);
    writeBody();
    const total = this.#length + 4 - start;
    this.u32(total);
    this.#view.setUint32(start + 4, total, true);
  }

  /** Code, length, value padded to 32 bits (section 3.5). */
  option(code: number, value: Uint8Array = new Uint8Array()): this {
    return this.u16(code).u16(value.length).padded(value);
  }

  u16(value: number): this {
    // Reserving may replace the buffer, so it comes first.
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  padded(bytes: Uint8Array): this {
    const at = this.#reserve((bytes.length + 3) & ~3);
    this.#bytes.set(bytes, at);
    return this;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(count: number): number {
    const start = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return start;
  }
}
