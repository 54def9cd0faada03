import { type Mutant } from "./mutant.ts";

const CONFIG = "impl/speaker/bfd/config.ts";
const SESSION = "impl/speaker/bfd/session.ts";
const SETTLE = "impl/speaker/bfd/settle.ts";
const STEP = "impl/speaker/bfd/step.ts";
const TIMING = "impl/speaker/bfd/timing.ts";
const WATCH = "impl/speaker/bgp/path-watch.ts";

export const BFD_MUTANTS: readonly Mutant[] = [
  {
    name: "bfd-own-multiplier",
    scenarios: ["bgp-input/bfd"],
    file: SESSION,
    find: "return plus(remote.heardAt, detectionTime(remote.detectMultiplier, used.requiredMinRx, remote.desiredMinTx));\n}\n\nexport function echoDeadline",
    replace:
      "return plus(remote.heardAt, detectionTime(3, used.requiredMinRx, remote.desiredMinTx));\n}\n\nexport function echoDeadline",
  },
  {
    name: "bfd-one-packet-too-patient",
    file: TIMING,
    find: "return times(longer(requiredMinRx, remoteDesiredMinTx), remoteMultiplier);",
    replace: "return times(longer(requiredMinRx, remoteDesiredMinTx), remoteMultiplier + 1);",
  },
  {
    name: "bfd-one-packet-too-hasty",
    file: TIMING,
    find: "return times(longer(requiredMinRx, remoteDesiredMinTx), remoteMultiplier);",
    replace: "return times(longer(requiredMinRx, remoteDesiredMinTx), remoteMultiplier - 1);",
  },
  {
    name: "bfd-shorter-interval-detects",
    file: TIMING,
    find: "return times(longer(requiredMinRx, remoteDesiredMinTx), remoteMultiplier);",
    replace: "return times(requiredMinRx < remoteDesiredMinTx ? requiredMinRx : remoteDesiredMinTx, remoteMultiplier);",
  },
  {
    name: "bfd-no-jitter-down",
    file: TIMING,
    find: "return micros(Math.floor(interval * (0.75 + spread * random.next())));",
    replace: "return micros(Math.floor(interval * (1 + spread * random.next())));",
  },
  {
    name: "bfd-too-much-jitter",
    file: TIMING,
    find: "return micros(Math.floor(interval * (0.75 + spread * random.next())));",
    replace: "return micros(Math.floor(interval * (0.4 + spread * random.next())));",
  },
  {
    name: "bfd-other-default",
    file: CONFIG,
    find: "interval: millis(300),",
    replace: "interval: millis(1000),",
  },
  {
    name: "bfd-multiplier-ignored",
    file: CONFIG,
    find: "detectMultiplier: profile.detectMultiplier ?? DEFAULTS.detectMultiplier,",
    replace: "detectMultiplier: DEFAULTS.detectMultiplier,",
  },
  {
    name: "bfd-intervals-swapped",
    file: CONFIG,
    find: "desiredMinTx: profile.transmitInterval ?? DEFAULTS.interval,",
    replace: "desiredMinTx: profile.receiveInterval ?? DEFAULTS.interval,",
  },
  {
    name: "bfd-never-passive",
    file: CONFIG,
    find: 'role: profile.passiveMode ? "passive" : "active",',
    replace: 'role: "active",',
  },
  {
    name: "bfd-passive-for-ever",
    file: SETTLE,
    find: 'return config.role === "passive" && remote === undefined && !called;',
    replace: 'return config.role === "passive" && (remote === undefined || !called);',
  },
  {
    name: "bfd-never-echo",
    file: CONFIG,
    find: 'const echo = profile.echoMode && hops === "single";',
    replace: 'const echo = profile.echoMode && hops !== "single";',
  },
  {
    name: "bfd-echo-unheard",
    file: "impl/speaker/bgp/bgp.ts",
    find: "...this.#takeBfd(this.#watch.plane.receiveFrame(link, bytes, now), now),",
    replace: "",
  },
  {
    name: "bfd-echo-as-reserve",
    file: SETTLE,
    find: "requiredMinRx: echoes ? longer(requiredMinRx, SLOW_INTERVAL) : requiredMinRx,",
    replace: "requiredMinRx,",
  },
  {
    name: "bfd-strict-ttl-over-hops",
    file: CONFIG,
    find: 'minimumTtl: hops === "single" ? SINGLE_HOP_TTL : (profile.minimumTtl ?? DEFAULTS.minimumTtl),',
    replace: "minimumTtl: SINGLE_HOP_TTL,",
  },
  {
    name: "bfd-no-final",
    file: STEP,
    find: 'if (!packet.poll || session.kind === "adminDown") return step;',
    replace: "if (session !== undefined) return step;",
  },
  {
    name: "bfd-no-poll",
    file: SETTLE,
    find: 'const packets = [packetOf(session, session.poll === "none" ? "none" : "poll")];',
    replace: 'const packets = [packetOf(session, "none")];',
  },
  {
    name: "bfd-slow-for-ever",
    file: SETTLE,
    find: 'desiredMinTx: session.kind === "up" ? desiredMinTx : longer(desiredMinTx, SLOW_INTERVAL),',
    replace: "desiredMinTx: longer(desiredMinTx, SLOW_INTERVAL),",
  },
  {
    name: "bfd-pace-of-the-peer-ignored",
    scenarios: ["bgp-input/bfd"],
    file: SETTLE,
    find: "return longer(used.desiredMinTx, remote.requiredMinRx);",
    replace: "return used.desiredMinTx;",
  },
  {
    name: "bfd-down-ignored",
    file: "impl/speaker/bgp/bgp-peer.ts",
    find: 'const failed = from === "up" && to === "down" && because !== "peerAdminDown";',
    replace: 'const failed = from === "up" && to === "up" && because !== "peerAdminDown";',
  },
  {
    name: "bfd-admin-down-is-failure",
    file: "impl/speaker/bgp/bgp-peer.ts",
    find: 'const failed = from === "up" && to === "down" && because !== "peerAdminDown";',
    replace: 'const failed = from === "up" && to === "down" && because !== "enabled";',
  },
  {
    name: "bfd-stop-is-failure",
    file: STEP,
    find: 'return { ...withoutEcho(session), kind: "adminDown", diagnostic: "administrativelyDown" };',
    replace: 'return { ...withoutEcho(session), kind: "down", diagnostic: "neighborSignaledSessionDown" };',
  },
  {
    name: "bfd-down-without-a-word",
    file: "impl/speaker/bgp/session/established.ts",
    find: 'return failWith(state, sent, "BFD session down", restAfterLoss(), context);',
    replace: 'return fail(state, { kind: "connectionLost", error: sent.kind }, restAfterLoss(), context);',
  },
  {
    name: "bfd-session-waits-for-bfd",
    file: "impl/speaker/bgp/bgp-peer.ts",
    find: 'const failed = from === "up" && to === "down" && because !== "peerAdminDown";',
    replace: 'const failed = to === "down" || to === "init";',
  },
  {
    name: "bfd-profiles-ignored",
    file: WATCH,
    find: "if (local === undefined || (watched?.local === local && watched.profile === profile)) return NOTHING;",
    replace: "if (local === undefined || watched?.local === local) return NOTHING;",
  },
  {
    name: "bfd-never-released",
    file: WATCH,
    find: "return this.#watched.delete(name) ? this.#plane.close(name, now) : NOTHING;",
    replace: "return this.#watched.delete(name) && now < 0 ? this.#plane.close(name, now) : NOTHING;",
  },
  {
    name: "bfd-peer-not-named",
    file: SESSION,
    find: "yourDiscriminator: remote?.discriminator ?? 0,",
    replace: "yourDiscriminator: 0,",
  },
  {
    name: "bfd-always-shown-up",
    file: "impl/speaker/bfd/plane.ts",
    find: 'states.every((state) => state === "up"),',
    replace: "states.length > 0,",
  },
  {
    name: "bfd-anew-with-every-service",
    file: "impl/speaker/bgp/bgp.ts",
    find: 'return [{ kind: "bgpStatus", service: key, peers: peers.length === 0 ? undefined : peers }];',
    replace:
      'return [{ kind: "bgpStatus", service: key, peers }, ...[...this.#neighbours.keys()].flatMap((name) => this.#watch.release(name, seconds(0)).effects)];',
  },
  {
    name: "bfd-profile-is-another-session",
    file: "impl/speaker/bgp/bgp.ts",
    find: "JSON.stringify({ ...peer, nodeSelectors: [], bfdProfile: undefined });",
    replace: "JSON.stringify({ ...peer, nodeSelectors: [] });",
  },
  {
    name: "bfd-starts-anew-with-every-change",
    file: "impl/speaker/bfd/sessions.ts",
    find: "if (known !== undefined && known.endsAt === undefined && samePath(known.path, path)) {",
    replace: "if (known !== undefined && known.session.config === config) {",
  },
];
