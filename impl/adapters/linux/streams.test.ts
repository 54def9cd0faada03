import { expect, it } from "vitest";
import { type Input } from "../../ports.ts";
import { parseIp } from "../../wire/ip.ts";
import { refusing } from "./refusing-sockets.ts";
import { Streams } from "./streams.ts";

it.each([
  ["EPERM", "error", "CAP_NET_RAW is missing"],
  ["ENOPROTOOPT", "error", "this kernel does not have the option"],
  ["ENODEV", "debug", ""],
])("a connection whose options are refused with %s is closed, and what is missing is said", (code, level, hint) => {
  const inputs: Input[] = [];
  const { native, trace, log } = refusing(code);
  const streams = new Streams({ native, deliver: (input) => inputs.push(input), log });
  const to = { ip: parseIp("2001:db8::1"), port: 179 };
  streams.run({ kind: "connect", stream: "bgp", to, options: { device: "eth1" } });
  expect(inputs).toEqual([{ kind: "streamClosed", stream: "bgp", because: code }]);
  expect(trace).toEqual([
    "socket 10 1",
    "setsockopt 6/25",
    `setsockopt 1/25 ${code}`,
    "close",
    `${level} connect.failed: setsockopt ${code}, ${hint}`,
  ]);
});
