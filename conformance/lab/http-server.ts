// The embedded API server over HTTP/1.1, so that processes can reach it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type KubeInput, type KubeRequest } from "../../impl/ports.ts";

/** What answers requests: a way to the API server. Outcomes come through the function that it was made with. */
export interface Backend {
  request(effect: KubeRequest): void;
  abort(request: string): void;
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/** Serves one client's way to the API server at a Unix socket or a port. */
export class ApiHttpServer {
  readonly #server: Server;
  readonly #backend: Backend;
  readonly #open = new Map<string, ServerResponse>();
  #requests = 0;

  constructor(connect: (deliver: (input: KubeInput) => void) => Backend) {
    this.#backend = connect((input) => this.#deliver(input));
    this.#server = createServer((request, response) => this.#receive(request, response));
    // A watch may be silent for as long as it likes.
    this.#server.requestTimeout = 0;
    this.#server.timeout = 0;
  }

  /** Resolves when connections are accepted; rejects where the address cannot be had. */
  listen(address: { readonly path: string } | { readonly port: number; readonly host: string }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(address, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const method = METHODS.find((known) => known === request.method);
    if (method === undefined) {
      response.writeHead(405).end();
      return;
    }
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text: string) => (body += text));
    request.on("end", () => {
      const name = `r${this.#requests++}`;
      this.#open.set(name, response);
      response.on("close", () => {
        if (this.#open.delete(name)) this.#backend.abort(name);
      });
      const headers: Record<string, string> = {};
      for (const [key, value] of Object.entries(request.headers)) headers[key] = String(value);
      const path = request.url ?? "/";
      this.#backend.request({
        kind: "request",
        request: name,
        method,
        path,
        headers,
        ...(body === "" ? {} : { body }),
      });
    });
  }

  #deliver(input: KubeInput): void {
    const response = this.#open.get(input.request);
    if (response === undefined) return;
    if (input.kind === "response") {
      response.writeHead(input.status, { ...input.headers });
      response.flushHeaders();
    } else if (input.kind === "chunk") response.write(input.text);
    else {
      this.#open.delete(input.request);
      if (input.error === undefined) response.end();
      else response.destroy();
    }
  }

  /** Cuts every connection. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}
