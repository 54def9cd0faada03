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
  poll(fd: number, slab: Buffer, lengths: Buffer, callback: (count: number) => void): Poller;
  /** Stops receiving and closes the socket. */
  unpoll(poller: Poller): void;
}

/** As BATCH in sockets.c. */
const BATCH = 64;

export const ADDON = fileURLToPath(new URL(`../../native/sockets-linux-${process.arch}.node`, import.meta.url));

/** Loads the addon. Throws an Error that says what to do. */
export function loadNative(): NativeSockets {
  if (process.platform !== "linux") throw new Error(`raw sockets need Linux, and this is ${process.platform}`);
  if (!existsSync(ADDON)) {
    throw new Error(`the addon for raw sockets is not built: run "node scripts/build-native.ts" (needs gcc or cc)`);
  }
  const addon: NativeSockets = createRequire(import.meta.url)(ADDON);
  return addon;
}

/** Receives datagrams of at most `size` bytes; each is a view that holds until `receive` returns. */
export function receiveFrom(
  native: NativeSockets,
  fd: number,
  size: number,
  receive: (bytes: Buffer) => void,
  failed: (errno: number) => void,
): Poller {
  const slab = Buffer.alloc(BATCH * size);
  const lengths = Buffer.alloc(BATCH * 4);
  return native.poll(fd, slab, lengths, (count) => {
    if (count < 0) return failed(-count);
    for (let index = 0; index < count; index++) {
      const length = lengths.readUInt32LE(index * 4);
      if (length > 0 && length <= size) receive(slab.subarray(index * size, index * size + length));
    }
  });
}
