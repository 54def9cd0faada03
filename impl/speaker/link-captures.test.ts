import { describe, expect, it } from "vitest";
import { LinkCaptures } from "./link-captures.ts";
import { type SpeakerEffect } from "./protocol.ts";
import { link } from "./test-cluster.ts";

const open: SpeakerEffect = { kind: "openLink", link: "eth0" };
const close: SpeakerEffect = { kind: "closeLink", link: "eth0" };

describe("the capture of an interface", () => {
  it("begins with its first user and ends with its last", () => {
    const captures = new LinkCaptures();
    expect([open, open, close, close, open].map((effect) => captures.share([effect]))).toEqual([
      [open],
      [],
      [],
      [close],
      [open],
    ]);
  });

  it("begins anew on another interface of the same name, whatever its users say", () => {
    const captures = new LinkCaptures();
    captures.setLinks([link("eth0", { index: 1 })]);
    captures.share([open, open]);
    expect(captures.setLinks([link("eth0", { index: 1 })])).toEqual([]);
    expect(captures.setLinks([link("eth0", { index: 2 })])).toEqual([close, open]);
    expect(captures.share([close, open, close, open])).toEqual([]);
    expect(captures.setLinks([link("eth0", { index: 2 })])).toEqual([]);
  });

  it("of one user is begun anew by that user", () => {
    const captures = new LinkCaptures();
    captures.setLinks([link("eth0", { index: 1 })]);
    captures.share([open]);
    expect(captures.setLinks([link("eth0", { index: 2 })])).toEqual([]);
    expect(captures.share([close, open])).toEqual([close, open]);
  });
});
