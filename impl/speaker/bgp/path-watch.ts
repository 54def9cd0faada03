// RFC 5882: BFD on the paths to the peers that name a profile. A path is watched as soon as both ends of it are known, since
// routers may wait for BFD before they let BGP up, and until the peer or its profile goes, whatever becomes of the session.
import { type BfdProfile, type Peer } from "../../api/config.ts";
import { type Link } from "../../ports.ts";
import { type Micros } from "../../wire/time.ts";
import { bfdConfig } from "../bfd/config.ts";
import { type BfdOutcome, type BfdPlane } from "../bfd/plane.ts";
import { type BfdPath } from "../bfd/sessions.ts";
import { expectedLocal, type Local } from "./expected-local.ts";
import { hopsTo } from "./hops.ts";
import { type Neighbour } from "./neighbour.ts";

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
    const local = this.#localOf(peer, neighbour, watched?.local);
    if (local === undefined || (watched?.local === local && watched.profile === profile)) return NOTHING;
    this.#watched.set(peer.name, { local, profile });
    const path = this.#pathTo(peer, neighbour, local);
    return this.#plane.open(peer.name, path, bfdConfig(profile, path.hops), now);
  }

  release(name: string, now: Micros): BfdOutcome {
    return this.#watched.delete(name) ? this.#plane.close(name, now) : NOTHING;
  }

  /** The one of the session, or of the last one; before the first, the one to be expected. */
  #localOf(peer: Peer, neighbour: Neighbour, watched: Local | undefined): Local | undefined {
    if (neighbour.isUp) return neighbour.local;
    if (neighbour.wasUp) return watched;
    const expected = expectedLocal(peer, neighbour.address, this.#links) ?? watched;
    const isSame = expected?.address === watched?.address && expected?.link === watched?.link;
    return isSame ? watched : expected;
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
