import { type Ip, ipFromBytes } from "./ip.ts";
import { type MsgpackMap, readValue } from "./msgpack.ts";
import { type Reader } from "./reader.ts";
import { decodeUtf8 } from "./text.ts";

/** A struct of Go in msgpack. As there, a field that is absent or nil has its zero value, and unknown fields are skipped. */
export class StructReader {
  readonly #reader: Reader;
  readonly #path: string;
  readonly #map: MsgpackMap;

  constructor(reader: Reader, path: string) {
    const map = readValue(reader, path);
    if (!(map instanceof Map)) reader.fail(path, "is not a map");
    this.#reader = reader;
    this.#path = path;
    this.#map = map;
  }

  #fail(name: string, problem: string): never {
    return this.#reader.fail(`${this.#path}.${name}`, problem);
  }

  has(name: string): boolean {
    return this.#map.get(name) !== undefined;
  }

  number(name: string, maximum: number): number {
    const value = this.#map.get(name) ?? 0;
    if (typeof value !== "number" || value < 0 || value > maximum) {
      this.#fail(name, `is not a number from 0 to ${maximum}`);
    }
    return value;
  }

  u32(name: string): number {
    return this.number(name, 0xffffffff);
  }

  flag(name: string): boolean {
    const value = this.#map.get(name) ?? false;
    if (typeof value !== "boolean") this.#fail(name, "is not a boolean");
    return value;
  }

  bytes(name: string): Uint8Array {
    const value = this.#map.get(name) ?? new Uint8Array();
    if (!(value instanceof Uint8Array)) this.#fail(name, "is not bytes");
    return value;
  }

  text(name: string): string {
    return decodeUtf8(this.bytes(name));
  }

  /** Go writes an IPv4 address in four bytes or as an IPv4-mapped one of sixteen; it is the same address. */
  ip(name: string): Ip {
    const bytes = this.bytes(name);
    if (bytes.length !== 4 && bytes.length !== 16) this.#fail(name, `has ${bytes.length} bytes`);
    const mapped =
      bytes.length === 16 && bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every(isZero);
    return ipFromBytes(mapped ? bytes.subarray(12) : bytes);
  }
}

const isZero = (byte: number): boolean => byte === 0;
