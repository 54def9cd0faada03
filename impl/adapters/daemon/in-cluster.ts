// Where the API server is, and who this process is to it: what the kubelet gives to every Pod.
// https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/#without-using-a-proxy
import { join } from "node:path";
import { type ApiAddress, type Credentials } from "../http.ts";
import { reasonOf } from "../linux/system-error.ts";
import { readOptional, RotatingFile } from "./files.ts";
import { type Environment } from "./flags.ts";
import { StartupError } from "./startup-error.ts";

export const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

export interface ApiServer {
  readonly address: ApiAddress;
  readonly credentials: Credentials | undefined;
}

const HOW_OUTSIDE = 'Outside of a cluster run "kubectl proxy" and give its address: --kube-api http://127.0.0.1:8001';

/** `flag` is --kube-api. Throws StartupError where there is nothing to go by. */
export function findApiServer(flag: string, env: Environment, folder = SERVICE_ACCOUNT): ApiServer {
  if (flag !== "") return { address: addressOf(flag), credentials: undefined };
  const { KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "" } = env;
  if (host === "" || !/^\d+$/.test(port)) {
    throw new StartupError(
      `no API server: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, as they are in a Pod. ${HOW_OUTSIDE}`,
    );
  }
  try {
    const token = new RotatingFile(join(folder, "token"));
    const authority = new RotatingFile(join(folder, "ca.crt"));
    return {
      address: { host, port: Number(port), tls: true },
      credentials: () => ({ token: token.text.trim(), authority: authority.text }),
    };
  } catch (error) {
    throw new StartupError(
      `no service account: ${reasonOf(error)}. The Pod needs automountServiceAccountToken. ${HOW_OUTSIDE}`,
    );
  }
}

function addressOf(flag: string): ApiAddress {
  if (flag.startsWith("unix:")) return { socketPath: flag.slice("unix:".length) };
  const url = URL.canParse(flag) ? new URL(flag) : undefined;
  if (url === undefined || url.protocol !== "http:" || url.pathname !== "/") {
    throw new StartupError(`--kube-api must be http://HOST:PORT or unix:PATH, not "${flag}". ${HOW_OUTSIDE}`);
  }
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port || 80) };
}

/** --namespace, else the service account's. Throws StartupError where neither says. */
export function findNamespace(flag: string, folder = SERVICE_ACCOUNT): string {
  const namespace = flag === "" ? (readOptional(join(folder, "namespace")) ?? "").trim() : flag;
  if (namespace !== "") return namespace;
  throw new StartupError(
    "the namespace is not known: set METALLB_NAMESPACE (fieldRef metadata.namespace) or --namespace",
  );
}
