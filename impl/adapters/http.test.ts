import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { type Input, type KubeRequest } from "../ports.ts";
import { HttpKubePort } from "./http.ts";

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

interface Line {
  readonly port: HttpKubePort;
  readonly trace: string[];
  /** Resolves when the trace has a line that starts so. */
  readonly until: (start: string) => Promise<void>;
}

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function line(answer: Answer): Promise<Line> {
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => answer(request, response, body));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const trace: string[] = [];
  let look = (): void => {};
  const deliver = (input: Input): void => {
    if (input.kind === "response")
      trace.push(`${input.request} ${input.status} ${input.headers["content-type"] ?? ""}`);
    if (input.kind === "chunk") trace.push(`${input.request} "${input.text}"`);
    if (input.kind === "responseEnd") trace.push(`${input.request} end ${input.error ?? ""}`);
    look();
  };
  return {
    port: new HttpKubePort({ host: "127.0.0.1", port }, deliver),
    trace,
    until: (start) =>
      new Promise((resolve) => {
        look = () => {
          if (trace.some((entry) => entry.startsWith(start))) resolve();
        };
        look();
      }),
  };
}

const get = (request: string, path = "/"): KubeRequest => ({
  kind: "request",
  request,
  method: "GET",
  path,
  headers: {},
});

describe("requests to the API server over HTTP", () => {
  it("bring the answer in order, and characters whole where pieces break within them", async () => {
    const text = Buffer.from("grüß Gott 🚀");
    const { port, trace, until } = await line((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      // Behind the first byte of "ü", and within the rocket.
      response.write(text.subarray(0, 3));
      setTimeout(() => response.write(text.subarray(3, 15)), 10);
      setTimeout(() => response.end(text.subarray(15)), 20);
    });
    port.request(get("a"));
    await until("a end");
    expect([
      trace[0],
      trace
        .slice(1, -1)
        .map((entry) => entry.slice(3, -1))
        .join(""),
      trace.at(-1),
    ]).toEqual(["a 200 application/json", "grüß Gott 🚀", "a end "]);
    port[Symbol.dispose]();
  });

  it.each(["POST", "PUT", "PATCH", "DELETE"] as const)(
    "carry the whole body of a %s, and leave the line fit",
    async (method) => {
      const { port, trace, until } = await line((request, response, body) => {
        response.writeHead(200, { "content-type": "text/plain" });
        response.end(`${request.method} ${request.url} ${request.headers["x-test"]} ${body}`);
      });
      const body = '{"name":"ä"}';
      port.request({ kind: "request", request: "a", method, path: "/x?y=1", headers: { "x-test": "1" }, body });
      await until("a end");
      port.request(get("b", "/next"));
      await until("b end");
      expect(trace).toEqual([
        "a 200 text/plain",
        `a "${method} /x?y=1 1 ${body}"`,
        "a end ",
        "b 200 text/plain",
        'b "GET /next undefined "',
        "b end ",
      ]);
      port[Symbol.dispose]();
    },
  );

  it("say that nobody listens", async () => {
    const { port, trace, until } = await line(() => {});
    const [server] = servers;
    await new Promise((resolve) => server?.close(resolve));
    port.request(get("a"));
    await until("a end");
    expect(trace).toEqual(["a end ECONNREFUSED"]);
  });

  it("say that the connection broke, before and within an answer", async () => {
    const { port, trace, until } = await line((request, response) => {
      if (request.url === "/early") return request.socket.resetAndDestroy();
      response.writeHead(200, { "content-type": "text/plain" });
      response.write("half");
      setTimeout(() => request.socket.destroy(), 10);
    });
    port.request(get("a", "/early"));
    await until("a end");
    port.request(get("b"));
    await until("b end");
    expect(trace).toEqual(["a end ECONNRESET", "b 200 text/plain", 'b "half"', "b end ECONNRESET"]);
    port[Symbol.dispose]();
  });

  it("are silent when they were aborted, and the server learns of it", async () => {
    const closed = Promise.withResolvers<void>();
    const { port, trace, until } = await line((_, response) => {
      response.writeHead(200, { "content-type": "text/plain" });
      response.flushHeaders();
      response.on("close", () => closed.resolve());
    });
    port.request(get("watch"));
    await until("watch 200");
    port.abort("watch");
    await closed.promise;
    expect(trace).toEqual(["watch 200 text/plain"]);
    port[Symbol.dispose]();
  });
});
