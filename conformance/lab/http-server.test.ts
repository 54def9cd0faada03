import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HttpKubePort } from "../../impl/adapters/http.ts";
import { type Input, type KubeInput, type KubeRequest } from "../../impl/ports.ts";
import { ApiHttpServer } from "./http-server.ts";

let folder = "";
const ending: (() => unknown)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-lab-"));
});

afterEach(async () => {
  for (const end of ending.splice(0)) await end();
  rmSync(folder, { recursive: true, force: true });
});

interface Line {
  readonly port: HttpKubePort;
  /** What the server was asked, and what the client was told, in order. */
  readonly trace: readonly string[];
  /** The server's side of the line. */
  readonly say: (input: KubeInput) => void;
  readonly until: (entry: string) => Promise<void>;
}

async function line(): Promise<Line> {
  const trace: string[] = [];
  let look = (): void => {};
  const write = (entry: string): void => {
    trace.push(entry);
    look();
  };
  let say: (input: KubeInput) => void = () => {};
  const server = new ApiHttpServer((deliver) => {
    say = deliver;
    return {
      request: ({ request, method, path, body }: KubeRequest) => write(`${request} ${method} ${path} ${body ?? "-"}`),
      abort: (request) => write(`${request} aborted`),
    };
  });
  const socketPath = join(folder, "api.sock");
  await server.listen({ path: socketPath });
  const hear = (input: Input): void => {
    if (input.kind === "response") write(`told ${input.status}`);
    if (input.kind === "chunk") write(`told ${input.text}`);
    if (input.kind === "responseEnd") write(`told end ${input.error ?? "well"}`);
  };
  const port = new HttpKubePort({ socketPath }, hear);
  ending.push(
    () => port[Symbol.dispose](),
    () => server.close(),
  );
  return {
    port,
    trace,
    say: (input) => say(input),
    until: (entry) =>
      new Promise((resolve) => {
        look = () => {
          if (trace.includes(entry)) resolve();
        };
        look();
      }),
  };
}

const get: KubeRequest = { kind: "request", request: "x", method: "GET", path: "/pods?watch=1", headers: {} };

describe("the API server over HTTP", () => {
  it("passes a request on with its body, and the answer back piece by piece", async () => {
    const { port, trace, say, until } = await line();
    port.request({ ...get, method: "DELETE", path: "/pods/a", body: '{"x":"ö"}' });
    await until('r0 DELETE /pods/a {"x":"ö"}');
    say({ kind: "response", request: "r0", status: 200, headers: { "content-type": "application/json" } });
    await until("told 200");
    say({ kind: "chunk", request: "r0", text: "one" });
    await until("told one");
    say({ kind: "chunk", request: "r0", text: "two" });
    say({ kind: "responseEnd", request: "r0" });
    await until("told end well");
    expect(trace).toEqual(['r0 DELETE /pods/a {"x":"ö"}', "told 200", "told one", "told two", "told end well"]);
  });

  it("tells the server when a client hangs up", async () => {
    const { port, trace, until } = await line();
    port.request(get);
    await until("r0 GET /pods?watch=1 -");
    port.abort("x");
    await until("r0 aborted");
    expect(trace).toEqual(["r0 GET /pods?watch=1 -", "r0 aborted"]);
  });

  it("breaks the connection where the way to the server broke", async () => {
    const { port, trace, say, until } = await line();
    port.request(get);
    await until("r0 GET /pods?watch=1 -");
    say({ kind: "responseEnd", request: "r0", error: "ECONNREFUSED" });
    await until("told end ECONNRESET");
    expect(trace).toEqual(["r0 GET /pods?watch=1 -", "told end ECONNRESET"]);
  });
});
