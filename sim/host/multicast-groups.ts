// RFC 3810 (MLDv2), the listener's part, with the timing of Linux (net/ipv6/mcast.c).
import { ETHER_TYPES } from "../../impl/wire/ethernet.ts";
import { encodeIcmp6 } from "../../impl/wire/icmp6.ts";
import { ALL_NODES, type Ipv6, isIpv6, isLinkLocal, UNSPECIFIED_V6 } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { encodeIpv6 } from "../../impl/wire/ipv6.ts";
import { macToBytes, multicastMac } from "../../impl/wire/mac.ts";
import { ALL_MLDV2_ROUTERS, type MldQuery, type MldRecord, type MldRecordType } from "../../impl/wire/mld.ts";
import { micros, type Micros, millis, plus, seconds } from "../../impl/wire/time.ts";
import { type Scheduled } from "../world.ts";
import { type IpLink, type Kernel } from "./kernel.ts";

/** RFC 3810 section 9.1. */
const ROBUSTNESS = 2;
/** RFC 3810 section 9.11. */
const UNSOLICITED_INTERVAL = seconds(1);
/** Two ticks of a kernel with 250 of them in a second: joins in between go into one report. */
const GATHER = millis(8);
/** Header, router alert and ICMPv6 header before the records of 20 bytes. */
const REPORT_OVERHEAD = 56;
const RECORD_LENGTH = 20;

const REPORTS_TO = macToBytes(multicastMac(ALL_MLDV2_ROUTERS));

/** What the device does so that frames for a group come in. */
export interface GroupFilter {
  addGroup(group: Ipv6): void;
  removeGroup(group: Ipv6): void;
}

interface Change {
  readonly type: "changeToExclude" | "changeToInclude";
  /** How often it is still to be reported. */
  left: number;
}

/** The groups that one interface listens to, and the reports about them. */
export class MulticastGroups {
  readonly #kernel: Kernel;
  readonly #link: IpLink;
  readonly #filter: GroupFilter;
  readonly #members = new Map<Ipv6, number>();
  readonly #changes = new Map<Ipv6, Change>();
  readonly #answers = new Map<Ipv6, Scheduled>();
  #reporting = false;
  #answer: { readonly at: Micros; readonly timer: Scheduled } | undefined;

  constructor(kernel: Kernel, link: IpLink, filter: GroupFilter) {
    this.#kernel = kernel;
    this.#link = link;
    this.#filter = filter;
    filter.addGroup(ALL_NODES);
  }

  isMember(group: Ipv6): boolean {
    return group === ALL_NODES || this.#members.has(group);
  }

  /** Joins as often as asked; the first join is reported. */
  join(group: Ipv6): void {
    const count = this.#members.get(group) ?? 0;
    this.#members.set(group, count + 1);
    if (count > 0) return;
    this.#filter.addGroup(group);
    this.#report(group, "changeToExclude");
  }

  leave(group: Ipv6): void {
    const count = this.#members.get(group) ?? 0;
    if (count > 1) {
      this.#members.set(group, count - 1);
    } else if (count === 1) {
      this.#members.delete(group);
      this.#filter.removeGroup(group);
      this.#report(group, "changeToInclude");
    }
  }

  /** The carrier came: what was said before it may not have been heard. */
  reportAll(): void {
    for (const group of this.#members.keys()) this.#report(group, "changeToExclude");
  }

  /** The kernel ended: nobody says goodbye. */
  forgetAll(): void {
    for (const group of this.#members.keys()) this.#filter.removeGroup(group);
    this.#members.clear();
    this.#changes.clear();
    this.#answers.clear();
    this.#reporting = false;
    this.#answer = undefined;
  }

  /** RFC 3810 section 6.2: answers at a random moment of the time that the query gives. */
  query({ group, maximumResponse }: MldQuery): void {
    const delay = micros(this.#draw() * maximumResponse);
    const at = plus(this.#kernel.timers.now, delay);
    if (this.#answer !== undefined && this.#answer.at <= at) return;
    if (group === "::") {
      this.#answer?.timer.cancel();
      const timer = this.#kernel.timers.after(delay, () => {
        this.#answer = undefined;
        this.#send([...this.#members.keys()].map((member) => record("modeIsExclude", member)));
      });
      this.#answer = { at, timer };
    } else if (this.#members.has(group) && !this.#answers.has(group)) {
      const timer = this.#kernel.timers.after(delay, () => {
        this.#answers.delete(group);
        if (this.#members.has(group)) this.#send([record("modeIsExclude", group)]);
      });
      this.#answers.set(group, timer);
    }
  }

  #draw(): number {
    return this.#kernel.world.random(`host/${this.#kernel.name}/${this.#link.name}/mld`).next();
  }

  #report(group: Ipv6, type: Change["type"]): void {
    this.#changes.set(group, { type, left: ROBUSTNESS });
    if (this.#reporting) return;
    this.#reporting = true;
    this.#kernel.timers.after(GATHER, () => this.#sendChanges());
  }

  /** RFC 3810 section 6.1: each change is reported as often as the robustness says, together with what changed since. */
  #sendChanges(): void {
    const records: MldRecord[] = [];
    for (const [group, change] of this.#changes) {
      records.push(record(change.type, group));
      if (--change.left === 0) this.#changes.delete(group);
    }
    this.#send(records);
    this.#reporting = this.#changes.size > 0;
    if (!this.#reporting) return;
    const again = plus(GATHER, micros(this.#draw() * UNSOLICITED_INTERVAL));
    this.#kernel.timers.after(again, () => this.#sendChanges());
  }

  #send(records: readonly MldRecord[]): void {
    const most = Math.floor((this.#link.mtu - REPORT_OVERHEAD) / RECORD_LENGTH);
    for (let start = 0; start < records.length; start += most) this.#sendReport(records.slice(start, start + most));
  }

  #sendReport(records: readonly MldRecord[]): void {
    // RFC 3810 section 5.2.13: from a link-local address, or from none while there is none.
    const source =
      this.#link.addresses
        .map(({ ip }) => ip)
        .filter(isIpv6)
        .find(isLinkLocal) ?? UNSPECIFIED_V6;
    const destination = ALL_MLDV2_ROUTERS;
    const bytes = encodeIpv6({
      source,
      destination,
      nextHeader: IP_PROTOCOLS.icmp6,
      hopLimit: 1,
      trafficClass: 0,
      flowLabel: 0,
      routerAlert: 0,
      payload: encodeIcmp6({ kind: "mldReport", records }, source, destination),
    });
    this.#link.sendFrame(REPORTS_TO, ETHER_TYPES.ipv6, bytes);
  }
}

const record = (type: MldRecordType, group: Ipv6): MldRecord => ({ type, group, sources: [] });
