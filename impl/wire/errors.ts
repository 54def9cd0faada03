/** Bytes from the network that are not what they should be. `path` names the field: `arp.protocolType`. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  readonly path: string;
  readonly problem: string;
  /** The input ended inside the field: more bytes, where they can come, may mend it. */
  readonly truncated: boolean;

  constructor(path: string, problem: string, truncated = false) {
    super(`${path} ${problem}`);
    this.path = path;
    this.problem = problem;
    this.truncated = truncated;
  }
}

/** A value in something a person wrote that cannot be used. `path` names the field: `spec.addresses[1]`. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly path: string;
  readonly problem: string;

  constructor(path: string, problem: string) {
    super(path === "" ? problem : `${path}: ${problem}`);
    this.path = path;
    this.problem = problem;
  }
}
