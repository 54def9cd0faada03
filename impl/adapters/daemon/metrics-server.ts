// /metrics as MetalLB serves it: over TLS, to those whom the API server allows to read it.
import { join } from "node:path";
import { type Server } from "node:http";
import { HttpKubePort } from "../http.ts";
import { reasonOf } from "../linux/system-error.ts";
import { type Log } from "../linux/log.ts";
import { AccessReview } from "./access-review.ts";
import { type CommonValues } from "./common-flags.ts";
import { RotatingFile } from "./files.ts";
import { type ApiServer } from "./in-cluster.ts";
import { answer, createPlainServer, createTlsServer, type Handler } from "./listening.ts";
import { selfSigned, type ServerCertificate } from "./self-signed.ts";
import { StartupError } from "./startup-error.ts";
import { tlsOptions } from "./tls-options.ts";

/** https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
const EXPOSITION = "text/plain; version=0.0.4; charset=utf-8";
const RENEW_MS = 10_000;

export interface MetricsServerOptions {
  readonly expose: () => string;
  readonly values: CommonValues;
  readonly api: ApiServer;
  readonly log: Log;
}

/** Throws StartupError where the certificate or the flags cannot be used. */
export function createMetricsServer({ expose, values, api, log }: MetricsServerOptions): Server {
  const serve: Handler = ({ url = "" }, response) => {
    if (url === "/metrics") answer(response, 200, expose(), EXPOSITION);
    else answer(response, 404, "not found");
  };
  if (values["metrics-insecure"]) return createPlainServer(serve);
  const review = new AccessReview((deliver) => new HttpKubePort(api.address, deliver, api.credentials));
  const { options, certificate } = serverTls(values);
  let current = certificate();
  const server = createTlsServer({ ...options, ...current }, (request, response) => {
    const [path = "/"] = (request.url ?? "/").split("?", 1);
    void review.check(request.headers.authorization, path).then((access) => {
      if (access.allowed) serve(request, response);
      else answer(response, access.status, access.because);
    });
  });
  const renew = (): void => {
    const { cert, key } = certificate();
    if (cert === current.cert && key === current.key) return;
    try {
      server.setSecureContext({ ...options, cert, key });
      current = { cert, key };
      log("info", "metrics.certificate.renewed", {});
    } catch (error) {
      // One of both files may be replaced before the other.
      log("debug", "metrics.certificate.unusable", { because: reasonOf(error) });
    }
  };
  setInterval(renew, RENEW_MS).unref();
  return server;
}

function serverTls(values: CommonValues): {
  readonly options: ReturnType<typeof tlsOptions>;
  readonly certificate: () => ServerCertificate;
} {
  const options = tlsOptions(values);
  const folder = values["metrics-cert-dir"];
  if (folder === "") {
    const own = selfSigned("localhost");
    return { options, certificate: () => own };
  }
  try {
    const cert = new RotatingFile(join(folder, "tls.crt"));
    const key = new RotatingFile(join(folder, "tls.key"));
    process.getBuiltinModule("node:tls").createSecureContext({ cert: cert.text, key: key.text });
    return { options, certificate: () => ({ cert: cert.text, key: key.text }) };
  } catch (error) {
    throw new StartupError(`--metrics-cert-dir: ${reasonOf(error)}. It must hold tls.crt and tls.key in PEM`);
  }
}
