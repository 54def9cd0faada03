import { DecodeError } from "./errors.ts";
import { type Ipv4, type Ipv6, ipv4FromBytes, ipv6FromBytes } from "./ip.ts";
import { type Mac, macFromBytes } from "./mac.ts";

/** Reads fields in wire order (network byte order); a field that is not there is a DecodeError that names it. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #path: string;
  #offset = 0;

  constructor(bytes: Uint8Array, path: string) {
    this.#bytes = bytes;
    this.#path = path;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  #take(length: number, field: string): number {
    const start = this.#offset;
    if (length > this.#bytes.length - start) {
      const problem = `needs ${length} bytes and ${this.remaining} are left`;
      throw new DecodeError(`${this.#path}.${field}`, problem, true);
    }
    this.#offset += length;
    return start;
  }

  u8(field: string): number {
    return this.#bytes[this.#take(1, field)] ?? 0;
  }

  u16(field: string): number {
    const at = this.#take(2, field);
    return (this.#bytes[at] ?? 0) * 0x100 + (this.#bytes[at + 1] ?? 0);
  }

  u32(field: string): number {
    const at = this.#take(4, field);
    const high = (this.#bytes[at] ?? 0) * 0x100 + (this.#bytes[at + 1] ?? 0);
    return high * 0x10000 + (this.#bytes[at + 2] ?? 0) * 0x100 + (this.#bytes[at + 3] ?? 0);
  }

  mac(field: string): Mac {
    return macFromBytes(this.#bytes, this.#take(6, field));
  }

  ipv4(field: string): Ipv4 {
    return ipv4FromBytes(this.#bytes, this.#take(4, field));
  }

  ipv6(field: string): Ipv6 {
    return ipv6FromBytes(this.#bytes, this.#take(16, field));
  }

  /** A view of the next `length` bytes, not a copy. */
  bytes(length: number, field: string): Uint8Array {
    const at = this.#take(length, field);
    return this.#bytes.subarray(at, at + length);
  }

  rest(): Uint8Array {
    return this.bytes(this.remaining, "rest");
  }

  /** A reader of its own for the next `length` bytes; errors in it are at `field`. */
  part(length: number, field: string): Reader {
    return new Reader(this.bytes(length, field), `${this.#path}.${field}`);
  }

  /** For a field that leaves no choice; the error prints in hexadecimal, as registries do. */
  expectU8(field: string, only: number): void {
    this.#expect(field, this.u8(field), only);
  }

  expectU16(field: string, only: number): void {
    this.#expect(field, this.u16(field), only);
  }

  #expect(field: string, value: number, only: number): void {
    if (value !== only) this.fail(field, `is 0x${value.toString(16)}`);
  }

  fail(field: string, problem: string): never {
    throw new DecodeError(`${this.#path}.${field}`, problem);
  }
}
