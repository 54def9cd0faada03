import { type Mutant } from "./mutant.ts";

const ADDRESS_RANGE = "impl/api/address-range.ts";
const ANNOUNCER = "impl/speaker/layer2/announcer.ts";
const ARP = "impl/speaker/layer2/arp.ts";
const BURSTS = "impl/speaker/layer2/bursts.ts";
const CLAIMS = "impl/speaker/layer2/claims.ts";
const CONTROLLER = "impl/controller/controller.ts";
const CONTROLLER_WRITES = "impl/shell/service-status-writes.ts";
const KNOCKER = "impl/speaker/members/knocker.ts";
const LINKS = "impl/speaker/layer2/links.ts";
const MEMBERS = "impl/speaker/members/members.ts";
const MEMBERS_CONFIG = "impl/speaker/members/config.ts";
const NDP = "impl/speaker/layer2/ndp.ts";
const PROBES = "impl/speaker/layer2/probes.ts";
const REFLECTOR = "impl/kube/reflector.ts";
const SPEAKER_CLUSTER = "impl/shell/speaker-cluster.ts";
const SPEAKER_PROCESS = "impl/shell/speaker-process.ts";
const WRITER = "impl/kube/writer.ts";

/** What goes wrong where stations ask and claim. */
export const NEIGHBOUR_MUTANTS: readonly Mutant[] = [
  {
    name: "deaf-to-unicast-arp",
    file: ARP,
    find: "if (frame.destination !== BROADCAST && frame.destination !== responder.mac) {",
    replace: "if (frame.destination !== BROADCAST) {",
  },
  {
    name: "deaf-to-unicast-ns",
    file: NDP,
    find: "if (frame.destination !== responder.mac && !isMulticastMac(frame.destination)) {",
    replace: "if (!isMulticastMac(frame.destination)) {",
  },
  {
    name: "answer-any-destination",
    scenarios: ["bad-input/improper-arp"],
    file: ARP,
    find: "if (frame.destination !== BROADCAST && frame.destination !== responder.mac) {",
    replace: "if (responder === undefined) {",
  },
  {
    name: "deaf-to-arp-probes",
    file: ARP,
    find: 'if (senderIp === targetIp) return { claims, asks: undefined, because: "announcement" };',
    replace:
      'if (senderIp === targetIp || claims === undefined) return { claims, asks: undefined, because: "announcement" };',
  },
  {
    name: "answer-probe-in-private",
    file: NDP,
    find: "const probe = to.ip === UNSPECIFIED_V6;",
    replace: "const probe = to.ip === ALL_NODES;",
  },
  {
    name: "answer-announcements",
    file: ARP,
    find: '  if (senderIp === targetIp) return { claims, asks: undefined, because: "announcement" };\n',
    replace: "",
  },
  {
    name: "blind-to-strangers",
    file: ANNOUNCER,
    find: "this.#noteClaim({ ...heard.claims, link }, now);",
    replace: "[];",
  },
  { name: "never-defend", file: ANNOUNCER, find: "(this.#probes.has(ip) ? [] : this.#round(ip))", replace: "[]" },
  {
    name: "defend-in-kind",
    file: CLAIMS,
    find: "this.#quiet.has(ip) || ",
    replace: "",
  },
  {
    name: "announce-before-probing",
    file: ANNOUNCER,
    find: "this.#options.probeFirst ? this.#probe(ip, now) : this.#startBurst(ip, now)",
    replace: "this.#startBurst(ip, now)",
  },
  { name: "probe-for-ever", file: PROBES, find: "if (sent === PROBES) {", replace: "if (sent === -1) {" },
  {
    name: "announce-a-round-late",
    file: ANNOUNCER,
    find: "return fresh || anew ? this.#round(ip) : [];",
    replace: "return anew ? this.#round(ip) : [];",
  },
  {
    name: "answer-for-what-went",
    file: ANNOUNCER,
    find: "    this.#addresses.delete(ip);\n    this.#bursts.stop(ip);",
    replace: '    address.interfaces = "all";\n    this.#bursts.stop(ip);',
  },
  {
    name: "announce-by-broadcast-reply-only",
    file: ARP,
    find: '    arpFrame(BROADCAST, { operation: "request", ...sender, targetMac: ZERO_MAC }),\n    arpFrame(BROADCAST, { operation: "reply", ...sender, targetMac: mac }),',
    replace: '    arpFrame(BROADCAST, { operation: "reply", ...sender, targetMac: BROADCAST }),',
  },
  { name: "advertise-without-override", file: NDP, find: "override: true,", replace: "override: solicited," },
  {
    name: "join-no-group",
    file: ANNOUNCER,
    find: "      const effects = this.#joinGroups(ip);\n",
    replace: "      const effects: readonly AnnouncerEffect[] = [];\n",
  },
  {
    name: "join-no-group-later",
    file: ANNOUNCER,
    find: "      effects.push(...this.#joinGroup(ip, responder));\n",
    replace: "",
  },
  {
    name: "answer-with-first-mac",
    file: ANNOUNCER,
    find: "const heard = this.#hear(bytes, responder);",
    replace: "const heard = this.#hear(bytes, this.#responders.values().next().value ?? responder);",
  },
  {
    name: "no-refresh",
    file: ANNOUNCER,
    find: "refresh === undefined || refresh === 0 ? undefined : new DelayQueue(refresh);",
    replace: "undefined;",
  },
  {
    name: "refresh-unasked",
    file: SPEAKER_PROCESS,
    find: "refresh: layer2.refresh,",
    replace: "refresh: layer2.refresh ?? micros(60e6),",
  },
  {
    name: "same-order-in-every-round",
    file: BURSTS,
    find: "const first = Math.floor((ips.length * this.#round) / ROUNDS);",
    replace: "const first = 0;",
  },
  {
    name: "announce-for-ever",
    file: BURSTS,
    find: "if (until < now) this.#until.delete(ip);",
    replace: "if (until === undefined) this.#until.delete(ip);",
  },
];

/** What goes wrong with interfaces, and between members. */
export const NETWORK_MUTANTS: readonly Mutant[] = [
  { name: "keep-old-mac", file: ANNOUNCER, find: "      before.mac !== responder.mac ||\n", replace: "" },
  {
    name: "ignore-arp-flag",
    file: LINKS,
    find: '  if (link.noArp) return { respond: false, because: "noArpFlag" };\n',
    replace: "",
  },
  {
    name: "quiet-on-return",
    file: ANNOUNCER,
    find: "effects.push(...this.#round(ip, [responder]));",
    replace: "if (before !== undefined) effects.push(...this.#round(ip, [responder]));",
  },
  { name: "announce-on-any-change", file: ANNOUNCER, find: "    if (!news) return effects;\n", replace: "" },
  {
    name: "answer-only-with-own-address",
    file: LINKS,
    find: "if (!link.broadcast && linkLocal === undefined)",
    replace: "if (!link.addresses.some(({ ip }) => !isIpv6(ip)))",
  },
  { name: "no-suspicion", file: MEMBERS_CONFIG, find: "  suspicionMult: 4,", replace: "  suspicionMult: 0," },
  {
    name: "impatient-probes",
    file: "impl/speaker/members/prober.ts",
    find: "const deadline = plus(now, roster.awareness.scale(config.probeInterval));",
    replace: "const deadline = plus(now, (3_000 as Micros));",
  },
  {
    name: "suspect-for-ever",
    file: "impl/speaker/members/suspicion.ts",
    find: "    return this.#expiresAt;",
    replace: "    return plus(this.#expiresAt, (1e12 as Micros));",
  },
  {
    name: "never-look-again",
    file: KNOCKER,
    find: "else if (this.#peers.includes(ip)) this.#lost.add(ip);",
    replace: "",
  },
];

/** What goes wrong with the API server. */
export const API_MUTANTS: readonly Mutant[] = [
  {
    name: "resume-whatever-happened",
    file: REFLECTOR,
    find: 'needsList(failure) ? "list" : "watch"',
    replace: '"watch"',
  },
  {
    name: "trust-silence",
    file: REFLECTOR,
    find: "const WATCH_SILENCE = seconds(120);",
    replace: "const WATCH_SILENCE = seconds(120_000);",
  },
  { name: "conflicts-are-fine", file: WRITER, find: 'return "conflict";', replace: 'return "done";' },
  {
    name: "wait-for-ever",
    file: WRITER,
    find: "const SILENCE = seconds(30);",
    replace: "const SILENCE = seconds(30_000);",
  },
  {
    name: "write-again-and-again",
    file: CONTROLLER_WRITES,
    find: "  if (before === pool && hasIngress(latest, ingress)) return undefined;\n",
    replace: "",
  },
  {
    name: "believe-any-status",
    file: CONTROLLER,
    find: "return own.length === 0 || tenable(this.#allocator, entry.request, news).length > 0 ? news : own;",
    replace: "return news;",
  },
  {
    name: "announce-any-address",
    file: "impl/speaker/pool-index.ts",
    find: "return row?.family === family && row.first <= address && address <= row.last ? row.pool : undefined;",
    replace: "return row?.pool ?? this.#rows.at(-1)?.pool;",
  },
  {
    name: "tell-with-every-change",
    file: "impl/speaker/speaker.ts",
    find: "    if (known) return effects;\n",
    replace: "",
  },
  {
    name: "give-up-watching",
    file: REFLECTOR,
    find: "const until = plus(plus(now.monotonic, this.#backOff.next(failure.retryAfter)), spread);",
    replace: "const until = plus(now.monotonic, seconds(1e6));",
  },
  {
    name: "deaf-to-deletions",
    file: REFLECTOR,
    find: 'type === "DELETED" ? this.store.remove(object) : this.store.upsert(object)',
    replace: "this.store.upsert(object)",
  },
  {
    name: "keep-lost-members",
    file: SPEAKER_PROCESS,
    find: 'if (kind === "left" && event.name !== this.#options.nodeName) {',
    replace: 'if (kind === "left" && event.name === this.#options.nodeName) {',
  },
  {
    name: "keep-addresses-without-pools",
    file: "impl/controller/converge.ts",
    find: "    allocator.release(tenant);\n    return { ...SETTLED, ...precluded };",
    replace: "    return { ...SETTLED, ...precluded, keepStatus: true };",
  },
  {
    name: "keep-refused-address",
    file: "impl/speaker/speaker.ts",
    find: "const effects = protocols.flatMap((protocol) => this.#withdraw(key, protocol, because));",
    replace: "const effects: readonly SpeakerEffect[] = [];",
  },
  {
    name: "recover-the-waiting-first",
    file: CONTROLLER,
    find: "(a, b) => b.addressCount - a.addressCount || (a.key < b.key ? -1 : 1),\n    );\n    if (this.#configured) for (const entry of entries) this.#reclaim(entry);",
    replace: "(a, b) => a.addressCount - b.addressCount || (a.key < b.key ? -1 : 1),\n    );",
  },
  {
    name: "take-the-end-for-the-end",
    file: REFLECTOR,
    find: "    this.#backOff.succeeded();\n    this.#watch(now, out);",
    replace: "    this.#backOff.succeeded();",
  },
  {
    name: "drop-writes-when-busy",
    file: WRITER,
    find: "return this.#requeue(task);",
    replace: "return this.#landed(task);",
  },
  {
    name: "drop-writes-on-errors",
    file: WRITER,
    find: 'case "later":\n        return this.#delay(task, failure, now);',
    replace: 'case "later":\n        return this.#landed(task);',
  },
  {
    name: "complain-never",
    file: CONTROLLER,
    find: "if (complaint !== undefined && text !== entry.complaint) {",
    replace: "if (complaint !== undefined && text === entry.complaint) {",
  },
  {
    name: "member-before-it-knows",
    file: SPEAKER_PROCESS,
    find: "this.#members !== undefined || this.#stopping || !this.#cluster.synced",
    replace: "this.#members !== undefined || this.#stopping",
  },
  {
    name: "hide-bad-configuration",
    file: SPEAKER_CLUSTER,
    find: "      this.#judge(reading.summary, now);\n",
    replace: "",
  },
  {
    name: "accept-reversed-range",
    file: ADDRESS_RANGE,
    find: "if (range.first > range.last) {",
    replace: "if (false) {",
  },
  { name: "accept-everything", file: ADDRESS_RANGE, find: "if (lengthOf(prefix) === 0) {", replace: "if (false) {" },
];

/** What goes wrong with bytes. */
export const INPUT_MUTANTS: readonly Mutant[] = [
  {
    name: "forget-malformed-frames",
    file: ANNOUNCER,
    find: 'return { asks: undefined, because: "malformed" };',
    replace: 'return { asks: undefined, because: "otherProtocol" };',
  },
  {
    name: "exit-on-nonsense",
    file: MEMBERS,
    find: 'this.#effects.push({ kind: "log", level: "debug", event: "members.malformed", fields });',
    replace: 'this.#effects.push({ kind: "exit", code: 1 });',
  },
  {
    name: "arp-of-any-hardware",
    file: "impl/wire/arp.ts",
    find: 'reader.expectU16("hardwareType", ETHERNET);',
    replace: 'reader.u16("hardwareType");',
  },
  {
    name: "tell-the-whole-story",
    file: "impl/api/problem.ts",
    find: "text.length <= length",
    replace: "text.length <= 1e9",
  },
  {
    name: "answer-through-routers",
    file: NDP,
    find: '  if (packet.hopLimit !== NDP_HOP_LIMIT) return { asks: undefined, because: "hopLimit" };\n',
    replace: "",
  },
  {
    name: "skip-icmp-checksum",
    file: "impl/wire/icmp6.ts",
    find: 'if (internetChecksum(bytes, pseudo) !== 0) reader.fail("checksum", "is wrong");',
    replace: "",
  },
];
