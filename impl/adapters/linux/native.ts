// The addon of impl/native: sockets that Node itself does not offer.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** A socket that is being received from. */
export interface Poller {
  readonly poller: unique symbol;
}

/** Calls of impl/native/sockets.c. Failures are Errors with `code` and `syscall`, as Node's own. */
export interface NativeSockets {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Buffer): void;
  setsockopt(fd: number, level: number, option: number, value: number | Buffer): void;
  attachFilter(fd: number, program: Buffer): void;
  /** Bytes sent, or a negative errno where the kernel's buffers are full. */
  send(fd: number, bytes: Uint8Array, address?: Buffer): number;
  close(fd: number): void;
  /** The callback gets how many datagrams are in the slab's slots, or a negative errno. */
  poll(fd: number, slab: Buffer, records: Buffer, callback: (count: number) => void): Poller;
  /** Stops receiving and closes the socket; twice is once. */
  unpoll(poller: Poller): void;
}

/** As in sockets.c. */
const BATCH = 64;
const RECORD = 128;
const ADDRESS_AT = 8;
const CONTROL_AT = 40;

const FILE = `sockets-linux-${process.arch}.node`;
const SOURCES = fileURLToPath(new URL(`../../native/${FILE}`, import.meta.url));
const BESIDE = fileURLToPath(new URL(FILE, import.meta.url));

/** Beside the bundle that ships, or where it is built. */
export const ADDON = existsSync(BESIDE) ? BESIDE : SOURCES;

/** Loads the addon. Throws an Error that says what to do. */
export function loadNative(): NativeSockets {
  if (process.platform !== "linux") throw new Error(`raw sockets need Linux, and this is ${process.platform}`);
  if (!existsSync(ADDON)) {
    throw new Error(`the addon for raw sockets is not built: run "node scripts/build-native.ts" (needs gcc or cc)`);
  }
  const addon: NativeSockets = createRequire(import.meta.url)(ADDON);
  return addon;
}

/** Sets up a new socket; where that fails, it is closed and the error goes on. */
export function configure(native: Pick<NativeSockets, "close">, fd: number, set: () => void): void {
  try {
    set();
  } catch (error) {
    native.close(fd);
    throw error;
  }
}

/** Room for a batch of datagrams of at most `size` bytes; sockets may share one. */
export class Slab {
  readonly size: number;
  readonly bytes: Buffer;
  readonly records = Buffer.alloc(BATCH * RECORD);

  constructor(size: number) {
    this.size = size;
    this.bytes = Buffer.alloc(BATCH * size);
  }
}

/** What came with a datagram: the sender's address (struct sockaddr), and control messages (struct cmsghdr). */
export interface Envelope {
  readonly address: Buffer;
  readonly control: Buffer;
}

/** Receives datagrams; each is a view that holds until `receive` returns. */
export function receiveFrom(
  native: NativeSockets,
  fd: number,
  slab: Slab,
  receive: (bytes: Buffer, envelope: Envelope) => void,
  failed: (errno: number) => void,
): Poller {
  const { size, bytes, records } = slab;
  return native.poll(fd, bytes, records, (count) => {
    if (count < 0) return failed(-count);
    for (let index = 0; index < count; index++) {
      const record = records.subarray(index * RECORD, (index + 1) * RECORD);
      const length = record.readUInt32LE(0);
      if (length === 0 || length > size) continue;
      receive(bytes.subarray(index * size, index * size + length), {
        address: record.subarray(ADDRESS_AT, CONTROL_AT),
        control: record.subarray(CONTROL_AT, CONTROL_AT + record.readUInt32LE(4)),
      });
    }
  });
}
