// Flags that controller and speaker have in common.
import { type Environment, type Flag, type FlagTable, type FlagValues, type Ignored } from "./flags.ts";

const text = (help: string, fallback = ""): Flag & { kind: "text" } => ({ kind: "text", fallback, help });
const NO_PPROF = "There are no profiles of a Go program here; --debug-bind-address tells what this process knows.";

export const COMMON_FLAGS = {
  namespace: {
    ...text("Namespace of this Pod, of its configuration and of its Secrets; else the one of the service account."),
    env: "METALLB_NAMESPACE",
  },
  "pod-name": { ...text("Name of this Pod; else the name of this host."), env: "METALLB_POD_NAME" },
  "lb-class": text("Serve the Services of this loadBalancerClass only; without it those that have none."),
  "log-level": text("Least level of the lines to log: all, debug, info, warn, error or none.", "info"),
  port: { kind: "int", fallback: 9120, help: "Port of /metrics; 0 for none." },
  "health-probe-port": { kind: "int", fallback: 17472, help: "Port of /healthz and /readyz; 0 for none." },
  "metrics-insecure": {
    kind: "bool",
    fallback: false,
    help: "Serve /metrics over HTTP, to everybody, without asking the API server who may read them.",
  },
  "metrics-cert-dir": text("Folder with tls.crt and tls.key for /metrics; without it a certificate is made."),
  "tls-min-version": text("Least version of TLS for /metrics: VersionTLS12 or VersionTLS13.", "VersionTLS13"),
  "tls-cipher-suites": text("Cipher suites for /metrics, by Go's names, with commas; for VersionTLS12 only."),
  "tls-curve-preferences": text("Groups for key exchange, by the numbers that IANA gives them, with commas."),
  "kube-api": text(
    "Where the API server is, when this process is in no Pod: what kubectl proxy serves, as " +
      "http://127.0.0.1:8001 or unix:/path/of/socket.",
  ),
  "debug-bind-address": text(
    "Serve what this process knows, as JSON: an address such as 127.0.0.1:6060, or unix:/path/of/socket. Off unless set.",
  ),
  "pprof-bind-address": { ...text(""), ignored: NO_PPROF },
} as const satisfies FlagTable;

export type CommonValues = FlagValues<typeof COMMON_FLAGS>;

/** Variables that MetalLB's manifests set and that have no flag. */
const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  METALLB_BGP_TYPE: "there is one implementation of BGP, which does what native, frr and frr-k8s do",
  FRR_CONFIG_FILE: "BGP is spoken without FRR",
  FRR_RELOADER_PID_FILE: "BGP is spoken without FRR",
  FRR_LOGGING_LEVEL: "BGP is spoken without FRR; --log-level sets the level of everything",
};

export const ignoredVariables = (env: Environment): readonly Ignored[] =>
  Object.entries(WITHOUT_EFFECT)
    .filter(([name]) => (env[name] ?? "") !== "")
    .map(([name, because]) => ({ name: `$${name}`, because }));
