// RFC 5881 section 4 and RFC 5883 section 5: on which UDP ports BFD listens, and from which ones it sends.
import { type DatagramOptions, type Effect, type Link, type Random } from "../../ports.ts";
import { type Family, familyOf, type Ip, isLinkLocal, UNSPECIFIED_V4, UNSPECIFIED_V6 } from "../../wire/ip.ts";
import { earliest, type Micros, plus, seconds } from "../../wire/time.ts";
import { hintFor } from "./socket-hint.ts";
import { type BfdPath } from "./sessions.ts";

export const PORTS = { single: 3784, multi: 4784, echo: 3785 } as const;
export type Service = keyof typeof PORTS;

/** RFC 5881 section 4: the source port is one of these, and no other session has it. */
const FIRST_SOURCE_PORT = 49_152;
const SOURCE_PORTS = 65_536 - FIRST_SOURCE_PORT;
/** So many taken ports in a row are no chance. */
const MAX_DRAWS = 16;
/** An address that is still being probed for, a daemon that is about to end: neither tells when it is done. */
const RETRY_AFTER = seconds(5);

/** RFC 5881 section 5: sent with 255. An Echo packet goes back with less, so that nobody returns it once more. */
const TTL = 255;
const TTL_OF_RETURNED_ECHO = 254;

/** What a socket is for: the packets of a port, or what one session sends. */
export type Purpose =
  | { readonly kind: "receive"; readonly service: Service; readonly family: Family; readonly vrf: string | undefined }
  | { readonly kind: "send"; readonly session: string; readonly path: BfdPath };

interface Row {
  readonly purpose: Purpose;
  readonly ip: Ip;
  readonly options: DatagramOptions;
  /** The sessions that need it. */
  readonly users: Set<string>;
  /** Another one at each attempt, so that a late failure of the one before is told apart. */
  name: string;
  port: number;
  draws: number;
  /** Of the device that it is bound to, where that is known. */
  deviceIndex: number | undefined;
  failure: { readonly because: string; readonly retryAt: Micros } | undefined;
  /** The failure that the log has told of. */
  reported: string | undefined;
}

export class BfdSockets {
  readonly #random: Random;
  readonly #rows = new Map<string, Row>();
  readonly #byName = new Map<string, Row>();
  #indexes: ReadonlyMap<string, number> = new Map();
  #serial = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Opens what a session needs and is not open yet. */
  use(session: string, path: BfdPath, echo: boolean): readonly Effect[] {
    const family = familyOf(path.peer);
    const services: readonly Service[] = echo ? [path.hops, "echo"] : [path.hops];
    const effects = services.flatMap((service) =>
      this.#use(session, { kind: "receive", service, family, vrf: path.vrf }),
    );
    return [...effects, ...this.#use(session, { kind: "send", session, path })];
  }

  /** Closes what no other session needs. */
  release(session: string): readonly Effect[] {
    return [...this.#rows].flatMap(([key, row]) => {
      if (!row.users.delete(session) || row.users.size > 0) return [];
      this.#rows.delete(key);
      return this.#close(row);
    });
  }

  /** What an open socket of this name is for. */
  purposeOf(socket: string): Purpose | undefined {
    return this.#byName.get(socket)?.purpose;
  }

  send(session: string, service: Service, bytes: Uint8Array): readonly Effect[] {
    const row = this.#rows.get(keyOf({ kind: "send", session }));
    if (row === undefined || row.failure !== undefined || row.purpose.kind !== "send") return [];
    const to = { ip: row.purpose.path.peer, port: PORTS[service] };
    return [{ kind: "sendDatagram", socket: row.name, to, bytes }];
  }

  /** Why a session can not send or not receive; undefined: nothing is known to be in its way. */
  failureOf(session: string): string | undefined {
    for (const { users, failure } of this.#rows.values()) {
      if (failure !== undefined && users.has(session)) return failure.because;
    }
    return undefined;
  }

  failed(socket: string, because: string, now: Micros): readonly Effect[] {
    const row = this.#byName.get(socket);
    if (row === undefined) return [];
    this.#byName.delete(socket);
    const isTaken = because.includes("EADDRINUSE");
    if (isTaken && row.purpose.kind === "send" && row.draws < MAX_DRAWS) return this.#open(row);
    row.draws = 0;
    row.failure = { because, retryAt: plus(now, RETRY_AFTER) };
    if (row.reported === because) return [];
    row.reported = because;
    return [report(row, because)];
  }

  /** Sockets that failed are tried again, and those of an interface that was made anew are opened on the new one. */
  setLinks(links: readonly Link[]): readonly Effect[] {
    this.#indexes = new Map(links.map(({ name, index }) => [name, index]));
    return [...this.#rows.values()].flatMap((row) => {
      if (row.failure !== undefined) return this.#open(row);
      const index = this.#indexOf(row);
      const isAnother = index !== undefined && row.deviceIndex !== undefined && index !== row.deviceIndex;
      row.deviceIndex = index ?? row.deviceIndex;
      if (!isAnother) return [];
      row.reported = undefined;
      return [...this.#close(row), ...this.#open(row)];
    });
  }

  wake(now: Micros): readonly Effect[] {
    return [...this.#rows.values()].flatMap((row) => {
      const retryAt = row.failure?.retryAt;
      return retryAt !== undefined && retryAt <= now ? this.#open(row) : [];
    });
  }

  deadline(): Micros | undefined {
    return earliest(...[...this.#rows.values()].map(({ failure }) => failure?.retryAt));
  }

  #use(session: string, purpose: Purpose): readonly Effect[] {
    const key = keyOf(purpose);
    const known = this.#rows.get(key);
    if (known !== undefined) {
      known.users.add(session);
      return [];
    }
    const row: Row = {
      purpose,
      ip: addressFor(purpose),
      options: optionsFor(purpose),
      users: new Set([session]),
      name: "",
      port: purpose.kind === "receive" ? PORTS[purpose.service] : 0,
      draws: 0,
      deviceIndex: undefined,
      failure: undefined,
      reported: undefined,
    };
    this.#rows.set(key, row);
    return this.#open(row);
  }

  #open(row: Row): readonly Effect[] {
    row.name = `bfd/${++this.#serial}`;
    row.deviceIndex = this.#indexOf(row);
    if (row.purpose.kind === "send") {
      row.port = this.#drawPort();
      row.draws++;
    }
    row.failure = undefined;
    this.#byName.set(row.name, row);
    const local = { ip: row.ip, port: row.port };
    return [{ kind: "openDatagrams", socket: row.name, local, options: row.options }];
  }

  #close(row: Row): readonly Effect[] {
    if (!this.#byName.delete(row.name)) return [];
    return [{ kind: "closeDatagrams", socket: row.name }];
  }

  #indexOf({ options }: Row): number | undefined {
    return options.device === undefined ? undefined : this.#indexes.get(options.device);
  }

  #drawPort(): number {
    const taken = new Set([...this.#byName.values()].map(({ port }) => port));
    let offset = Math.floor(this.#random.next() * SOURCE_PORTS);
    for (let tried = 0; tried < SOURCE_PORTS && taken.has(FIRST_SOURCE_PORT + offset); tried++) {
      offset = (offset + 1) % SOURCE_PORTS;
    }
    return FIRST_SOURCE_PORT + offset;
  }
}

function keyOf(purpose: Pick<Extract<Purpose, { kind: "send" }>, "kind" | "session"> | Purpose): string {
  if (purpose.kind === "send") return `send ${purpose.session}`;
  return `receive ${purpose.service} ${purpose.family} ${purpose.vrf ?? ""}`;
}

const unspecified = (family: Family): Ip => (family === "ipv4" ? UNSPECIFIED_V4 : UNSPECIFIED_V6);

function addressFor(purpose: Purpose): Ip {
  if (purpose.kind === "receive") return unspecified(purpose.family);
  const { local, peer } = purpose.path;
  return local ?? unspecified(familyOf(peer));
}

function optionsFor(purpose: Purpose): DatagramOptions {
  if (purpose.kind === "receive") {
    const { service, vrf } = purpose;
    const ttl = service === "echo" ? { ttl: TTL_OF_RETURNED_ECHO } : {};
    return { arrivals: true, ...ttl, ...(vrf === undefined ? {} : { device: vrf }) };
  }
  const { peer, link, vrf } = purpose.path;
  // An Echo packet comes back to the port that sent it.
  const options = { ttl: TTL, arrivals: true };
  const device = isLinkLocal(peer) ? link : (vrf ?? link);
  return device === undefined ? options : { ...options, device };
}

function report({ purpose, ip, port, options }: Row, because: string): Effect {
  const { device } = options;
  const hint = hintFor(purpose, ip, port, device, because);
  const fields = { address: ip, port, device, because, hint };
  return { kind: "log", level: purpose.kind === "receive" ? "error" : "warn", event: "bfd.socket.failed", fields };
}
