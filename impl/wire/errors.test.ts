import { describe, expect, it } from "vitest";
import { ConfigError, DecodeError } from "./errors.ts";

describe("Errors of input", () => {
  it("say where and what", () => {
    const errors = [
      new DecodeError("arp.operation", "is 3"),
      new DecodeError("arp.operation", "needs 2 bytes and 0 are left", true),
      new ConfigError("spec.addresses[1]", "range is reversed"),
      new ConfigError("", "is empty"),
    ];
    expect(errors.map((error) => ({ ...error, text: String(error) }))).toEqual([
      {
        name: "DecodeError",
        path: "arp.operation",
        problem: "is 3",
        truncated: false,
        text: "DecodeError: arp.operation is 3",
      },
      {
        name: "DecodeError",
        path: "arp.operation",
        problem: "needs 2 bytes and 0 are left",
        truncated: true,
        text: "DecodeError: arp.operation needs 2 bytes and 0 are left",
      },
      {
        name: "ConfigError",
        path: "spec.addresses[1]",
        problem: "range is reversed",
        text: "ConfigError: spec.addresses[1]: range is reversed",
      },
      { name: "ConfigError", path: "", problem: "is empty", text: "ConfigError: is empty" },
    ]);
  });
});
