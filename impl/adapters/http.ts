// Requests to the API server over node:http or node:https: a port, or a Unix socket.
import { type Agent, type ClientRequest } from "node:http";
import { type Input, type KubeRequest } from "../ports.ts";

/** Where the API server listens. */
export type ApiAddress =
  | { readonly socketPath: string }
  | { readonly host: string; readonly port: number; readonly tls?: true };

/** What a request shows, asked before each one: both are replaced while the process runs. */
export type Credentials = () => {
  readonly token: string;
  /** The certificates, in PEM, that the server's must come from. */
  readonly authority: string;
};

/** ESM's `import "node:http"` reads every export and so loads what a daemon does not need: 13 MiB. */
const plain = () => process.getBuiltinModule("node:http");
const encrypted = () => process.getBuiltinModule("node:https");

/** Carries requests out; answers come back as inputs, in order. */
export class HttpKubePort implements Disposable {
  readonly #address: ApiAddress;
  readonly #deliver: (input: Input) => void;
  readonly #credentials: Credentials | undefined;
  readonly #protocol: ReturnType<typeof plain | typeof encrypted>;
  readonly #agent: Agent;
  readonly #open = new Map<string, ClientRequest>();

  constructor(address: ApiAddress, deliver: (input: Input) => void, credentials?: Credentials) {
    this.#address = address;
    this.#deliver = deliver;
    this.#credentials = credentials;
    this.#protocol = "tls" in address && address.tls ? encrypted() : plain();
    this.#agent = new this.#protocol.Agent({ keepAlive: true });
  }

  request({ request: name, method, path, headers, body }: KubeRequest): void {
    // Node itself says how long a body is, but not where a DELETE has one: the server would read on and on.
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const shown = this.#credentials?.();
    const bearer = shown === undefined ? {} : { authorization: `Bearer ${shown.token}` };
    const sent = { ...headers, ...length, ...bearer };
    // Connections are shared among requests with the same authority.
    const trust = shown === undefined ? {} : { ca: shown.authority };
    const call = this.#protocol.request({
      ...this.#address,
      ...trust,
      method,
      path,
      headers: sent,
      agent: this.#agent,
    });
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
