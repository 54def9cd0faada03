import { X509Certificate } from "node:crypto";
import { createServer, type Server } from "node:http";
import { request as requestTls } from "node:https";
import { type AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type CommonValues, COMMON_FLAGS } from "./common-flags.ts";
import { readFlags } from "./flags.ts";
import { createMetricsServer } from "./metrics-server.ts";
import { selfSigned } from "./self-signed.ts";
import { StartupError } from "./startup-error.ts";
import { tlsOptions } from "./tls-options.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return port;
}

function values(...flags: readonly string[]): CommonValues {
  const reading = readFlags(COMMON_FLAGS, flags, {});
  if (reading.kind !== "values") throw new Error(JSON.stringify(reading));
  return reading.values;
}

/** Knows prometheus, who may read /metrics, and mallory, who may not. Writes down what it is asked. */
async function apiServer(asked: string[]): Promise<number> {
  return listening(
    createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        const { spec } = JSON.parse(body);
        asked.push(`${request.url} ${JSON.stringify(spec)}`);
        const status =
          spec.token === undefined
            ? { allowed: spec.user === "prometheus" }
            : { authenticated: spec.token !== "forged", user: { username: spec.token, groups: ["g"] } };
        if (spec.token === "crash") response.writeHead(500).end();
        else response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify({ status }));
      });
    }),
  );
}

function scrape(port: number, token?: string, path = "/metrics", options: object = {}): Promise<string> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve) => {
    const call = requestTls(
      { host: "127.0.0.1", port, path, headers, rejectUnauthorized: false, ...options },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
        response.on("end", () => resolve(`${response.statusCode} ${text}`));
      },
    );
    call.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    call.end();
  });
}

const server = (port: number, ...flags: readonly string[]): Server =>
  createMetricsServer({
    expose: () => "up 1\n",
    values: values(...flags),
    api: { address: { host: "127.0.0.1", port }, credentials: undefined },
    log: () => {},
  });

describe("/metrics", () => {
  it("is for those whom the API server allows", async () => {
    const asked: string[] = [];
    const port = await listening(server(await apiServer(asked)));
    expect([
      await scrape(port),
      await scrape(port, "forged"),
      await scrape(port, "mallory"),
      await scrape(port, "crash"),
      await scrape(port, "prometheus"),
      await scrape(port, "prometheus", "/metrics?x"),
    ]).toEqual([
      "401 Unauthorized",
      "401 Unauthorized",
      "403 Authorization denied for user mallory",
      "500 the token could not be reviewed",
      "200 up 1\n",
      "404 not found",
    ]);
    const tokens = "/apis/authentication.k8s.io/v1/tokenreviews";
    const access = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    const get = '"groups":["g"],"nonResourceAttributes":{"path":"/metrics","verb":"get"}}';
    // The second answer to prometheus comes from what is known.
    expect(asked).toEqual([
      `${tokens} {"token":"forged"}`,
      `${tokens} {"token":"mallory"}`,
      `${access} {"user":"mallory",${get}`,
      `${tokens} {"token":"crash"}`,
      `${tokens} {"token":"prometheus"}`,
      `${access} {"user":"prometheus",${get}`,
    ]);
  });

  it("is not given where the API server is away", async () => {
    const port = await listening(server(1));
    expect(await scrape(port, "prometheus")).toBe("500 the token could not be reviewed");
  });

  it("needs TLS 1.3, or what the flags allow", async () => {
    const api = await apiServer([]);
    const strict = await listening(server(api));
    const suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
    const old = await listening(server(api, "--tls-min-version=VersionTLS12", `--tls-cipher-suites=${suite}`));
    const v12 = { maxVersion: "TLSv1.2" };
    expect([
      await scrape(strict, "prometheus", "/metrics", v12),
      await scrape(old, "prometheus", "/metrics", v12),
      await scrape(old, "prometheus", "/metrics", { ...v12, ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" }),
    ]).toEqual(["EPROTO", "200 up 1\n", "EPROTO"]);
  });

  it("answers strange paths as others", async () => {
    const port = await listening(server(await apiServer([])));
    expect([await scrape(port, "prometheus", "//"), await scrape(port, "prometheus", "/%")]).toEqual([
      "404 not found",
      "404 not found",
    ]);
  });
});

describe("the TLS flags", () => {
  it.each([
    ["--tls-min-version=VersionTLS11", "--tls-min-version must be VersionTLS12 or VersionTLS13"],
    [
      "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
      "--tls-cipher-suites: the suites of TLS 1.3 cannot be chosen; leave it out, or allow VersionTLS12",
    ],
    ["--tls-curve-preferences=29,29", "--tls-curve-preferences names something twice"],
    ["--tls-curve-preferences=1", '--tls-curve-preferences: "1" is none of 23, 24, 25, 29, 4588'],
  ])("refuse %s", (flag, message) => {
    expect(() => tlsOptions(values(flag))).toThrow(new StartupError(message));
  });

  it("name groups by number", () => {
    expect(tlsOptions(values("--tls-curve-preferences=4588,29"))).toEqual({
      minVersion: "TLSv1.3",
      ecdhCurve: "X25519MLKEM768:X25519",
    });
  });
});

it("a certificate of its own is one for a server, and verifies with its own key", () => {
  const certificate = new X509Certificate(selfSigned("localhost", Date.UTC(2026, 0, 1)).cert);
  const { subject, issuer, subjectAltName, ca, validFrom, validTo, keyUsage } = certificate;
  expect({ subject, issuer, subjectAltName, ca, validFrom, validTo, keyUsage }).toEqual({
    subject: "CN=localhost",
    issuer: "CN=localhost",
    subjectAltName: "DNS:localhost",
    ca: false,
    validFrom: "Dec 31 23:55:00 2025 GMT",
    validTo: "Dec 30 00:00:00 2035 GMT",
    keyUsage: ["1.3.6.1.5.5.7.3.1"],
  });
  expect(certificate.verify(certificate.publicKey)).toBe(true);
});
