// Whole sessions of FRR, BIRD and GoBGP: what we read must be what tshark reads of the same bytes.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hex } from "../golden/hex.ts";
import { settled, updateInWords } from "./golden/in-words.ts";
import { type BgpMessage, decodeMessage } from "./message.ts";
import { MessageStream } from "./message-stream.ts";
import { encodeNotification } from "./notification.ts";
import { encodeRouteRefresh } from "./route-refresh.ts";
import { type UpdateContext } from "./update.ts";

interface Capture {
  readonly sender: string;
  readonly says: string;
  readonly bytes: Uint8Array;
  readonly context: UpdateContext;
}

const CAPTURES: readonly Capture[] = readFileSync(new URL("./golden/routers.hex", import.meta.url), "utf8")
  .matchAll(/^# (\w+ [\d.]+(?:, [\w-]+)?): (.+)\n([0-9a-f]+)$/gm)
  .map(([, sender = "", says = "", digits = ""]): Capture => {
    const internal = sender.endsWith("iBGP");
    const asSize = sender.endsWith("two-octet") ? 2 : 4;
    return { sender, says, bytes: hex(digits), context: { asSize, internal, families: ["ipv4", "ipv6"] } };
  })
  .toArray();

const UPDATES = CAPTURES.filter(({ bytes }) => bytes[18] === 2);

const read = ({ bytes, context }: Capture): BgpMessage => decodeMessage(bytes, context);

describe("Messages of routers", () => {
  it("are all here", () => {
    expect(CAPTURES.length).toBe(55);
    expect(UPDATES.length).toBe(35);
  });

  it.each(UPDATES)("$sender: $says", (capture) => {
    const message = read(capture);
    expect(message.kind === "update" || message.kind === "endOfRib" ? settled(updateInWords(message)) : "").toBe(
      settled(capture.says),
    );
  });

  it("are written back to the same bytes where their form leaves no choice", () => {
    const written = CAPTURES.filter(({ bytes }) => bytes[18] === 3 || bytes[18] === 5);
    expect(written.length).toBe(9);
    for (const capture of written) {
      const message = read(capture);
      if (message.kind === "notification") expect(encodeNotification(message)).toEqual(capture.bytes);
      if (message.kind === "routeRefresh") expect(encodeRouteRefresh(message)).toEqual(capture.bytes);
    }
  });

  it("come out of one stream, however it is cut", () => {
    const whole = Uint8Array.from(CAPTURES.flatMap(({ bytes }) => [...bytes]));
    for (const size of [1, 7, 18, 19, 20, 536, 1460, whole.length]) {
      const stream = new MessageStream();
      const messages: Uint8Array[] = [];
      for (let at = 0; at < whole.length; at += size) {
        stream.feed(whole.subarray(at, at + size), (message) => messages.push(message));
      }
      expect(messages).toEqual(CAPTURES.map(({ bytes }) => bytes));
      expect(stream.held).toBe(0);
    }
  });
});
