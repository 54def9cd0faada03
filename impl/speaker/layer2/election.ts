// Who announces an address on layer 2. Every speaker computes the same order from the same facts, so no message is needed
// to agree: the preference first, then SHA-256 of `node#address`. The order is MetalLB's, for clusters that run both.
import { type Labels } from "../../api/selector.ts";
import { type Ip } from "../../wire/ip.ts";
import { sha256 } from "../../wire/sha256.ts";
import { encodeUtf8 } from "../../wire/text.ts";

/** A node whose speaker is alive and that nothing excludes. */
export interface Candidate {
  readonly name: string;
  readonly labels: Labels;
}

export interface Contest {
  /** The first address of the Service: all its addresses live on one node. */
  readonly ip: Ip;
  /** How much the node is preferred; undefined where it may not stand. */
  readonly preference: (node: Candidate) => number | undefined;
  /** Only these may stand (externalTrafficPolicy Local). */
  readonly among?: ReadonlySet<string> | undefined;
}

/** `vacant`: nobody may stand. */
export type Standing = "owner" | "outranked" | "vacant";

interface Rank {
  readonly preference: number;
  readonly hash: Uint8Array;
}

/** Negative where `a` goes first. */
function compareRank(a: Rank, b: Rank): number {
  return a.preference === b.preference ? compareBytes(a.hash, b.hash) : b.preference - a.preference;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let index = 0; index < a.length; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function preferenceIn(contest: Contest, node: Candidate): number | undefined {
  return contest.among === undefined || contest.among.has(node.name) ? contest.preference(node) : undefined;
}

const hashIn = (contest: Contest, node: Candidate): Uint8Array => sha256(encodeUtf8(`${node.name}#${contest.ip}`));

function rankIn(contest: Contest, node: Candidate): Rank | undefined {
  const preference = preferenceIn(contest, node);
  return preference === undefined ? undefined : { preference, hash: hashIn(contest, node) };
}

/** The whole order, first the owner. */
export function rankCandidates(candidates: Iterable<Candidate>, contest: Contest): readonly string[] {
  const ranked: { readonly name: string; readonly rank: Rank }[] = [];
  for (const candidate of candidates) {
    const rank = rankIn(contest, candidate);
    if (rank !== undefined) ranked.push({ name: candidate.name, rank });
  }
  return ranked.sort((a, b) => compareRank(a.rank, b.rank)).map(({ name }) => name);
}

interface Seat {
  readonly contest: Contest;
  /** One candidate that goes before this node, or any where this node does not stand. */
  rival: string | undefined;
  standing: Standing;
}

/**
 * All contests as one node sees them. To know that it does not own an address a node needs one better candidate, not the
 * order, so it keeps just that rival for each. Then a node that joins costs one hash for each address owned here, and
 * one that leaves concerns only the addresses where it was the rival.
 */
export class Election {
  readonly #me: string;
  readonly #candidates = new Map<string, Candidate>();
  /** Sorted, so that nothing depends on the order of arrival. */
  #names: string[] = [];
  readonly #seats = new Map<string, Seat>();
  readonly #seatsByRival = new Map<string, Set<string>>();
  readonly #unrivalled = new Set<string>();

  constructor(me: string) {
    this.#me = me;
  }

  get candidates(): Iterable<Candidate> {
    return this.#candidates.values();
  }

  standing(key: string): Standing | undefined {
    return this.#seats.get(key)?.standing;
  }

  /** Opens a contest under `key`, or replaces it. */
  open(key: string, contest: Contest): Standing {
    this.close(key);
    const seat: Seat = { contest, rival: undefined, standing: "vacant" };
    this.#seats.set(key, seat);
    this.#settle(key, seat);
    return seat.standing;
  }

  close(key: string): void {
    const seat = this.#seats.get(key);
    if (seat === undefined) return;
    this.#unlist(key, seat);
    this.#seats.delete(key);
  }

  /** A node became a candidate, or its labels changed. Returns the contests where this node's standing changed. */
  enter(candidate: Candidate): readonly string[] {
    if (!this.#candidates.has(candidate.name)) this.#names = insertSorted(this.#names, candidate.name);
    this.#candidates.set(candidate.name, candidate);
    if (candidate.name === this.#me) return this.#reconsider([...this.#seats.keys()]);
    const dethroned = this.#reconsider([...(this.#seatsByRival.get(candidate.name) ?? [])]);
    return [...dethroned, ...this.#challenge(candidate)].sort();
  }

  /** A node is no candidate any more. Returns the contests where this node's standing changed. */
  leave(name: string): readonly string[] {
    if (!this.#candidates.delete(name)) return [];
    this.#names = this.#names.filter((other) => other !== name);
    const concerned = name === this.#me ? this.#seats.keys() : (this.#seatsByRival.get(name) ?? []);
    return this.#reconsider([...concerned]);
  }

  /** Whom a contest has no rival for yet may have found one in `candidate`. */
  #challenge(candidate: Candidate): readonly string[] {
    const changed: string[] = [];
    for (const key of this.#unrivalled) {
      const seat = this.#seats.get(key);
      if (seat === undefined) continue;
      const mine = this.#rankOfMe(seat.contest);
      if (!precedes(candidate, mine, seat.contest)) continue;
      this.#unlist(key, seat);
      if (this.#list(key, seat, candidate.name, mine)) changed.push(key);
    }
    return changed;
  }

  #reconsider(keys: readonly string[]): readonly string[] {
    return keys
      .filter((key) => {
        const seat = this.#seats.get(key);
        if (seat === undefined) return false;
        this.#unlist(key, seat);
        return this.#settle(key, seat);
      })
      .sort();
  }

  /** Finds a rival. On average that takes as many hashes as the harmonic number of the candidates: 7 for 1,000. */
  #settle(key: string, seat: Seat): boolean {
    const { contest } = seat;
    const mine = this.#rankOfMe(contest);
    const names = contest.among === undefined ? this.#names : this.#names.filter((name) => contest.among?.has(name));
    // Begins elsewhere for each address, so that no node is the rival of most of them.
    const start = startOf(contest.ip, names.length);
    for (let step = 0; step < names.length; step++) {
      const name = names[(start + step) % names.length];
      const candidate = name === undefined || name === this.#me ? undefined : this.#candidates.get(name);
      if (candidate !== undefined && precedes(candidate, mine, contest)) {
        return this.#list(key, seat, candidate.name, mine);
      }
    }
    return this.#list(key, seat, undefined, mine);
  }

  #rankOfMe(contest: Contest): Rank | undefined {
    const me = this.#candidates.get(this.#me);
    return me === undefined ? undefined : rankIn(contest, me);
  }

  /** Returns whether the standing changed. */
  #list(key: string, seat: Seat, rival: string | undefined, mine: Rank | undefined): boolean {
    const before = seat.standing;
    seat.rival = rival;
    if (rival === undefined) {
      this.#unrivalled.add(key);
      seat.standing = mine === undefined ? "vacant" : "owner";
    } else {
      const seats = this.#seatsByRival.get(rival);
      if (seats === undefined) this.#seatsByRival.set(rival, new Set([key]));
      else seats.add(key);
      seat.standing = "outranked";
    }
    return seat.standing !== before;
  }

  #unlist(key: string, seat: Seat): void {
    this.#unrivalled.delete(key);
    if (seat.rival === undefined) return;
    const seats = this.#seatsByRival.get(seat.rival);
    seats?.delete(key);
    if (seats?.size === 0) this.#seatsByRival.delete(seat.rival);
    seat.rival = undefined;
  }
}

/** Whether `candidate` goes before a node of rank `mine`; where the preference decides, it takes no hash. */
function precedes(candidate: Candidate, mine: Rank | undefined, contest: Contest): boolean {
  const preference = preferenceIn(contest, candidate);
  if (preference === undefined) return false;
  if (mine === undefined) return true;
  if (preference !== mine.preference) return preference > mine.preference;
  return compareBytes(hashIn(contest, candidate), mine.hash) < 0;
}

/** FNV-1a: spreads addresses over the candidates; the election itself does not depend on it. */
function startOf(ip: Ip, count: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < ip.length; index++) hash = Math.imul(hash ^ ip.charCodeAt(index), 0x01000193);
  return count === 0 ? 0 : (hash >>> 0) % count;
}

function insertSorted(names: readonly string[], name: string): string[] {
  const at = names.findIndex((other) => other > name);
  return at < 0 ? [...names, name] : [...names.slice(0, at), name, ...names.slice(at)];
}
