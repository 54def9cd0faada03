// Requests to the API server over node:http: a port, or a Unix socket.
import { type ClientRequest } from "node:http";
import { type Input, type KubeRequest } from "../ports.ts";

/** Where the API server listens. */
export type ApiAddress = { readonly socketPath: string } | { readonly host: string; readonly port: number };

/** ESM's `import "node:http"` reads every export and so loads what a daemon does not need: 13 MiB. */
const { Agent, request } = process.getBuiltinModule("node:http");

/** Carries requests out; answers come back as inputs, in order. */
export class HttpKubePort implements Disposable {
  readonly #address: ApiAddress;
  readonly #deliver: (input: Input) => void;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #open = new Map<string, ClientRequest>();

  constructor(address: ApiAddress, deliver: (input: Input) => void) {
    this.#address = address;
    this.#deliver = deliver;
  }

  request({ request: name, method, path, headers, body }: KubeRequest): void {
    // Node itself says how long a body is, but not where a DELETE has one: the server would read on and on.
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const sent = { ...headers, ...length };
    const call = request({ ...this.#address, method, path, headers: sent, agent: this.#agent });
    this.#open.set(name, call);
    call.on("response", (response) => {
      const received: Record<string, string> = {};
      for (const [key, value] of Object.entries(response.headers)) received[key] = String(value);
      this.#tell(name, { kind: "response", request: name, status: response.statusCode ?? 0, headers: received });
      // Decodes across chunk borders.
      response.setEncoding("utf8");
      response.on("data", (text: string) => this.#tell(name, { kind: "chunk", request: name, text }));
      response.on("end", () => this.#end(name));
      response.on("error", (error) => this.#end(name, error));
    });
    call.on("error", (error) => this.#end(name, error));
    call.end(body);
  }

  #tell(name: string, input: Input): void {
    if (this.#open.has(name)) this.#deliver(input);
  }

  #end(name: string, error?: NodeJS.ErrnoException): void {
    if (!this.#open.delete(name)) return;
    const failure = error === undefined ? {} : { error: error.code ?? error.message };
    this.#deliver({ kind: "responseEnd", request: name, ...failure });
  }

  /** The answer is not wanted any more; nothing is delivered for it. */
  abort(name: string): void {
    const call = this.#open.get(name);
    this.#open.delete(name);
    call?.destroy();
  }

  [Symbol.dispose](): void {
    for (const name of this.#open.keys()) this.abort(name);
    this.#agent.destroy();
  }
}
