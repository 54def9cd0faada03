// RFC 5882: BFD on the paths to the peers that name a profile. A path is watched from the first session over it on, whatever
// becomes of that session, until the peer or its profile goes.
import { type BfdProfile, type Peer } from "../../api/config.ts";
import { type Link } from "../../ports.ts";
import { type Micros } from "../../wire/time.ts";
import { bfdConfig } from "../bfd/config.ts";
import { type BfdOutcome, type BfdPlane } from "../bfd/plane.ts";
import { type BfdPath } from "../bfd/sessions.ts";
import { hopsTo } from "./hops.ts";
import { type Neighbour } from "./neighbour.ts";

type Local = NonNullable<Neighbour["local"]>;

const NOTHING: BfdOutcome = { effects: [], changes: [] };

export class PathWatch {
  readonly #plane: BfdPlane;
  /** What each peer is watched with, by its name. */
  readonly #watched = new Map<string, { readonly local: Local; readonly profile: BfdProfile }>();
  #profiles: ReadonlyMap<string, BfdProfile> = new Map();
  #links: readonly Link[] = [];

  constructor(plane: BfdPlane) {
    this.#plane = plane;
  }

  get plane(): BfdPlane {
    return this.#plane;
  }

  setProfiles(profiles: ReadonlyMap<string, BfdProfile>): void {
    this.#profiles = profiles;
  }

  setLinks(links: readonly Link[]): BfdOutcome {
    this.#links = links;
    return this.#plane.setLinks(links);
  }

  /** Call it when the peer, its profile or its session may have changed. */
  follow(peer: Peer, neighbour: Neighbour, now: Micros): BfdOutcome {
    const profile = this.#profiles.get(peer.bfdProfile ?? "");
    if (profile === undefined) return this.release(peer.name, now);
    const watched = this.#watched.get(peer.name);
    const local = neighbour.isUp ? neighbour.local : watched?.local;
    if (local === undefined || (watched?.local === local && watched.profile === profile)) return NOTHING;
    this.#watched.set(peer.name, { local, profile });
    const path = this.#pathTo(peer, neighbour, local);
    return this.#plane.open(peer.name, path, bfdConfig(profile, path.hops), now);
  }

  release(name: string, now: Micros): BfdOutcome {
    return this.#watched.delete(name) ? this.#plane.close(name, now) : NOTHING;
  }

  #pathTo(peer: Peer, { address }: Neighbour, local: Local): BfdPath {
    const hops = hopsTo(
      peer,
      this.#links.flatMap(({ addresses }) => addresses),
    );
    const link = hops === "single" ? local.link : undefined;
    return { hops, peer: address, local: local.address, link, vrf: peer.vrf };
  }
}
