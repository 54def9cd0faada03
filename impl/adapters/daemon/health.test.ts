import { createServer } from "node:http";
import { type AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { createHealthServer } from "./health.ts";
import { listen, parseListenAddress } from "./listening.ts";

it("answers /healthz and /readyz, and nothing else", async () => {
  const server = createHealthServer();
  await listen(server, { host: "127.0.0.1", port: 0 }, "health");
  const { port } = server.address() as AddressInfo;
  const seen: string[] = [];
  for (const path of ["/healthz", "/readyz", "/readyz/", "/healthz?verbose", "/livez", "/healthzz"]) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    seen.push(`${path} ${response.status} ${await response.text()}`);
  }
  server.close().closeAllConnections();
  expect(seen).toEqual([
    "/healthz 200 ok",
    "/readyz 200 ok",
    "/readyz/ 200 ok",
    "/healthz?verbose 200 ok",
    "/livez 404 not found",
    "/healthzz 404 not found",
  ]);
});

it("says which address it could not have", async () => {
  const first = createServer();
  await listen(first, { host: "127.0.0.1", port: 0 }, "health");
  const { port } = first.address() as AddressInfo;
  await expect(listen(createServer(), { host: "127.0.0.1", port }, "/healthz (--health-probe-port)")).rejects.toThrow(
    `/healthz (--health-probe-port) cannot be served at 127.0.0.1 ${port}: listen EADDRINUSE: address already in use ` +
      `127.0.0.1:${port}; another process on this host has it`,
  );
  first.close();
});

it("reads addresses to listen at", () => {
  expect(
    ["127.0.0.1:6060", "[::1]:6060", ":6060", "unix:/run/x"].map((text) => parseListenAddress(text, "--x")),
  ).toEqual([{ host: "127.0.0.1", port: 6060 }, { host: "::1", port: 6060 }, { port: 6060 }, { path: "/run/x" }]);
  expect(() => parseListenAddress("6060", "--x")).toThrow('--x must be HOST:PORT or unix:PATH, not "6060"');
});
