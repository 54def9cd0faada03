import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Input } from "../../ports.ts";
import { HttpKubePort } from "../http.ts";
import { RotatingFile } from "./files.ts";
import { type ApiServer, findApiServer, findNamespace } from "./in-cluster.ts";
import { selfSigned, type ServerCertificate } from "./self-signed.ts";
import { StartupError } from "./startup-error.ts";

let folder = "";
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-account-"));
});

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

const put = (name: string, content: string): void => writeFileSync(join(folder, name), content);

function refusal(find: () => unknown): string {
  try {
    find();
    return "found";
  } catch (error) {
    if (error instanceof StartupError) return error.message.replaceAll(folder, "FOLDER");
    throw error;
  }
}

describe("the API server", () => {
  const env = { KUBERNETES_SERVICE_HOST: "2001:db8::1", KUBERNETES_SERVICE_PORT: "443" };

  it("is where the kubelet says, and knows this process by its token", () => {
    put("token", "t1\n");
    put("ca.crt", "CA");
    const { address, credentials } = findApiServer("", env, folder);
    expect([address, credentials?.()]).toEqual([
      { host: "2001:db8::1", port: 443, tls: true },
      { token: "t1", authority: "CA" },
    ]);
  });

  it.each([
    ["http://127.0.0.1:8001", { host: "127.0.0.1", port: 8001 }],
    ["http://[::1]:8001/", { host: "::1", port: 8001 }],
    ["http://proxy", { host: "proxy", port: 80 }],
    ["unix:/run/api.sock", { socketPath: "/run/api.sock" }],
  ])("is at %s where the flag says so", (flag, address) => {
    expect(findApiServer(flag, {}, folder)).toEqual({ address, credentials: undefined });
  });

  it("is missed with what to do about it", () => {
    const outside = 'Outside of a cluster run "kubectl proxy" and give its address: --kube-api http://127.0.0.1:8001';
    expect([
      refusal(() => findApiServer("", {}, folder)),
      refusal(() => findApiServer("", env, folder)),
      refusal(() => findApiServer("https://1.2.3.4", {}, folder)),
    ]).toEqual([
      `no API server: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, as they are in a Pod. ${outside}`,
      `no service account: ENOENT: no such file or directory, open 'FOLDER/token'. The Pod needs automountServiceAccountToken. ${outside}`,
      `--kube-api must be http://HOST:PORT or unix:PATH, not "https://1.2.3.4". ${outside}`,
    ]);
  });
});

describe("the namespace", () => {
  it("is the flag's, else the service account's", () => {
    put("namespace", "metallb-system");
    expect([findNamespace("x", folder), findNamespace("", folder)]).toEqual(["x", "metallb-system"]);
    expect(refusal(() => findNamespace("", join(folder, "none")))).toMatch(
      /^the namespace is not known: set METALLB_NAMESPACE/,
    );
  });
});

describe("a file that is replaced", () => {
  it("is read again after ten seconds, and lasts while it is away", () => {
    let now = 0;
    put("token", "t1");
    const file = new RotatingFile(join(folder, "token"), () => now);
    const seen = [file.text];
    put("token", "t2");
    now = 9_999;
    seen.push(file.text);
    now = 10_000;
    seen.push(file.text);
    rmSync(join(folder, "token"));
    now = 20_000;
    seen.push(file.text);
    put("token", "t3");
    now = 30_000;
    seen.push(file.text);
    expect(seen).toEqual(["t1", "t1", "t2", "t2", "t3"]);
  });
});

/** An API server that answers with the token that it was shown. */
async function serve({ cert, key }: ServerCertificate): Promise<number> {
  const server = createServer({ cert, key }, (request, response) => response.end(request.headers.authorization));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** The bodies, or errors, of requests made one after the other. */
async function ask(api: ApiServer, between: readonly (() => void)[]): Promise<readonly string[]> {
  const answers: string[] = [];
  let told = (): void => {};
  let body = "";
  const port = new HttpKubePort(
    api.address,
    (input: Input) => {
      if (input.kind === "chunk") body += input.text;
      if (input.kind !== "responseEnd") return;
      answers.push(input.error ?? body);
      body = "";
      told();
    },
    api.credentials,
  );
  for (const [index, change] of between.entries()) {
    change();
    const { promise, resolve } = Promise.withResolvers<void>();
    told = resolve;
    port.request({ kind: "request", request: `r${index}`, method: "GET", path: "/", headers: {} });
    await promise;
  }
  port[Symbol.dispose]();
  return answers;
}

describe("requests over TLS", () => {
  it("show the token of the moment, to a server that the authority of the moment vouches for", async () => {
    const own = selfSigned("localhost");
    const port = await serve(own);
    let shown = { token: "t1", authority: own.cert };
    const api: ApiServer = { address: { host: "localhost", port, tls: true }, credentials: () => shown };
    const answers = await ask(api, [
      () => {},
      () => (shown = { ...shown, token: "t2" }),
      () => (shown = { ...shown, authority: selfSigned("localhost").cert }),
      () => (shown = { ...shown, authority: own.cert }),
    ]);
    expect(answers).toEqual(["Bearer t1", "Bearer t2", "DEPTH_ZERO_SELF_SIGNED_CERT", "Bearer t2"]);
  });
});
