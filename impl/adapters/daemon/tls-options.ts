// The TLS flags, which speak of versions, suites and groups as Go does.
import { type SecureContextOptions, type SecureVersion } from "node:tls";
import { type CommonValues } from "./common-flags.ts";
import { StartupError } from "./startup-error.ts";

const VERSIONS: ReadonlyMap<string, SecureVersion> = new Map([
  ["VersionTLS12", "TLSv1.2"],
  ["VersionTLS13", "TLSv1.3"],
]);

/** Go's secure suites of TLS 1.2 (tls.CipherSuites) by OpenSSL's names. */
const SUITES: ReadonlyMap<string, string> = new Map([
  ["TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"],
  ["TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"],
  ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"],
  ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"],
  ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"],
  ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"],
  ["TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"],
  ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"],
  ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"],
  ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"],
]);

/** https://www.iana.org/assignments/tls-parameters (TLS Supported Groups), by OpenSSL's names. */
const GROUPS: ReadonlyMap<string, string> = new Map([
  ["23", "P-256"],
  ["24", "P-384"],
  ["25", "P-521"],
  ["29", "X25519"],
  ["4588", "X25519MLKEM768"],
]);

function namesOf(flag: string, list: string, known: ReadonlyMap<string, string>): readonly string[] {
  const items = list.split(",").map((item) => item.trim());
  if (new Set(items).size !== items.length) throw new StartupError(`${flag} names something twice`);
  return items.map((item) => {
    const name = known.get(item);
    if (name === undefined) throw new StartupError(`${flag}: "${item}" is none of ${[...known.keys()].join(", ")}`);
    return name;
  });
}

/** Throws StartupError where the flags make no sense. */
export function tlsOptions(
  values: Pick<CommonValues, "tls-min-version" | "tls-cipher-suites" | "tls-curve-preferences">,
): SecureContextOptions {
  const { "tls-min-version": version, "tls-cipher-suites": suites, "tls-curve-preferences": groups } = values;
  const minVersion = VERSIONS.get(version);
  if (minVersion === undefined) throw new StartupError("--tls-min-version must be VersionTLS12 or VersionTLS13");
  if (suites !== "" && minVersion === "TLSv1.3") {
    throw new StartupError(
      "--tls-cipher-suites: the suites of TLS 1.3 cannot be chosen; leave it out, or allow VersionTLS12",
    );
  }
  return {
    minVersion,
    ...(suites === "" ? {} : { ciphers: namesOf("--tls-cipher-suites", suites, SUITES).join(":") }),
    ...(groups === "" ? {} : { ecdhCurve: namesOf("--tls-curve-preferences", groups, GROUPS).join(":") }),
  };
}
