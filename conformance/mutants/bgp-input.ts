import { type Mutant } from "./mutant.ts";

const AS_PATH = "impl/wire/bgp/as-path.ts";
const ATTRIBUTES = "impl/wire/bgp/attribute-list.ts";
const BACK_OFF = "impl/speaker/bgp/session/back-off.ts";
const BFD = "impl/wire/bfd.ts";
const BFD_SESSIONS = "impl/speaker/bfd/sessions.ts";
const BFD_SETTLE = "impl/speaker/bfd/settle.ts";
const BFD_STEP = "impl/speaker/bfd/step.ts";
const BFD_TIMING = "impl/speaker/bfd/timing.ts";
const CAPABILITIES = "impl/wire/bgp/capabilities.ts";
const CODES = "impl/wire/bgp/error-codes.ts";
const CONNECT = "impl/speaker/bgp/connect-options.ts";
const ENDING = "impl/speaker/bgp/session/ending.ts";
const ESTABLISHED = "impl/speaker/bgp/session/established.ts";
const HEADER = "impl/wire/bgp/header.ts";
const NEGOTIATION = "impl/speaker/bgp/session/negotiation.ts";
const NLRI = "impl/wire/bgp/nlri.ts";
const NOTIFICATION = "impl/wire/bgp/notification.ts";
const OPEN = "impl/wire/bgp/open.ts";
const REACH = "impl/wire/bgp/multiprotocol.ts";
const RIB_OUT = "impl/speaker/bgp/rib-out.ts";
const SESSION = "impl/speaker/bgp/session/session.ts";
const SPECS = "impl/wire/bgp/attribute-specs.ts";
const STEP = "impl/speaker/bgp/session/step.ts";
const STREAM = "impl/wire/bgp/message-stream.ts";
const UPDATE = "impl/wire/bgp/update.ts";

/** Ways to misread an OPEN, or to answer it wrongly. */
export const BGP_OPEN_MUTANTS: readonly Mutant[] = [
  { name: "open-any-version", file: OPEN, find: "if (version !== VERSION) {", replace: "if (version === 0) {" },
  {
    name: "open-any-hold-time",
    file: OPEN,
    find: "if (holdTime === 1 || holdTime === 2) {",
    replace: "if (holdTime === 65_536) {",
  },
  {
    name: "open-hold-time-of-four-at-least",
    file: OPEN,
    find: "if (holdTime === 1 || holdTime === 2) {",
    replace: "if (holdTime > 0 && holdTime < 4) {",
  },
  {
    name: "open-any-identifier",
    file: OPEN,
    find: "if (bgpIdentifier === UNSPECIFIED_V4) {",
    replace: "if (holdTime === 65_536) {",
  },
  {
    name: "open-own-identifier-elsewhere",
    file: NEGOTIATION,
    find: "if (internal && open.bgpIdentifier === config.routerId) {",
    replace: "if (!internal && open.bgpIdentifier === config.routerId) {",
  },
  { name: "open-bad-as-code", file: CODES, find: 'error(2, 2, "Bad Peer AS")', replace: 'error(2, 3, "Bad Peer AS")' },
  {
    name: "open-any-as",
    file: NEGOTIATION,
    find: 'if (typeof peerAsn === "number") return asn === peerAsn;',
    replace: 'if (typeof peerAsn === "number") return asn > 0;',
  },
  {
    name: "open-any-parameter",
    file: OPEN,
    find: "if (type !== PARAMETERS.capabilities) {",
    replace: "if (type === 0) {",
  },
  {
    name: "open-one-parameter",
    file: OPEN,
    find: "if (type !== PARAMETERS.capabilities) {",
    replace: "if (type !== PARAMETERS.capabilities || capabilities.length > 0) {",
  },
  {
    name: "open-any-family",
    file: NEGOTIATION,
    find: "if (families.length === 0) {",
    replace: "if (families.length < 0) {",
  },
  {
    name: "open-mistake-of-the-header",
    file: OPEN,
    find: "return answering(ERRORS.openUnspecific, () => {",
    replace: "return answering(ERRORS.headerUnspecific, () => {",
  },
  {
    name: "open-trailing-bytes",
    file: OPEN,
    find: "if (total !== reader.remaining)",
    replace: "if (total > reader.remaining)",
  },
  {
    name: "open-bytes-without-parameters",
    file: OPEN,
    find: "if (reader.remaining > 0) reader.fail(",
    replace: "if (reader.remaining > 4096) reader.fail(",
  },
  {
    name: "open-never-extended",
    file: OPEN,
    find: "const extended = first === PARAMETERS.extendedLength;",
    replace: "const extended = first === 0;",
  },
  { name: "open-needs-parameters", file: OPEN, find: "if (length === 0) {", replace: "if (length < 0) {" },
  {
    name: "open-first-capability",
    file: CAPABILITIES,
    find: "return capabilities.findLast(",
    replace: "return capabilities.find(",
  },
  {
    name: "open-no-capability-twice",
    file: CAPABILITIES,
    find: "    capabilities.push(capability);",
    replace:
      '    if (capabilities.some(({ kind }) => kind === capability.kind)) value.fail("code", "again");\n    capabilities.push(capability);',
  },
  {
    name: "open-names-are-text",
    file: CAPABILITIES,
    find: "return decodeUtf8(value.bytes(value.u8(`${field}Length`), field));",
    replace:
      'const name = decodeUtf8(value.bytes(value.u8(`${field}Length`), field));\n  return name.includes("\\ufffd") ? value.fail(field, "is no text") : name;',
  },
  {
    name: "open-of-19-bytes",
    scenarios: ["bgp-input/stream-bad-header"],
    file: HEADER,
    find: "  open: 29,",
    replace: "  open: 19,",
  },
  {
    name: "open-hold-time-of-none-runs",
    file: ESTABLISHED,
    find: "holdAt: holdTime === 0 ? undefined : plus(now, holdTime)",
    replace: "holdAt: plus(now, holdTime)",
  },
];

/** Ways to lose one's place in the stream, or one's patience. */
export const BGP_STREAM_MUTANTS: readonly Mutant[] = [
  {
    name: "stream-any-marker",
    file: HEADER,
    find: "if (bytes[index] !== 0xff) {",
    replace: "if (bytes[index] === 0x11) {",
  },
  {
    name: "stream-bad-length-without-it",
    file: HEADER,
    find: "ERRORS.badMessageLength, Uint8Array.of(high, low))",
    replace: "ERRORS.badMessageLength)",
  },
  {
    name: "stream-long-messages",
    file: HEADER,
    find: "export const MAX_MESSAGE_LENGTH = 4096;",
    replace: "export const MAX_MESSAGE_LENGTH = 65535;",
  },
  {
    name: "stream-long-keepalives",
    file: HEADER,
    find: 'type === "keepalive" ? HEADER_LENGTH : ',
    replace: "",
  },
  {
    name: "stream-bad-type-without-it",
    file: HEADER,
    find: "ERRORS.badMessageType, Uint8Array.of(code))",
    replace: "ERRORS.badMessageType)",
  },
  {
    name: "stream-unexpected-in-open-sent",
    file: STEP,
    find: "ERRORS.unexpectedInOpenSent",
    replace: "ERRORS.fsmUnspecified",
  },
  {
    name: "stream-unexpected-in-open-confirm",
    file: STEP,
    find: "ERRORS.unexpectedInOpenConfirm",
    replace: "ERRORS.fsmUnspecified",
  },
  {
    name: "stream-unexpected-in-established",
    file: STEP,
    find: "return unexpected(state, event, ERRORS.unexpectedInEstablished, context);",
    replace: "return unchanged(state);",
  },
  { name: "stream-forgets-headers", file: STREAM, find: "    this.#begun.set(begun);\n", replace: "" },
  {
    name: "stream-first-of-a-piece",
    file: STREAM,
    find: "          at += length;\n          continue;",
    replace: "          at = chunk.length;\n          continue;",
  },
  {
    name: "stream-bytes-are-life",
    file: SESSION,
    find: "    const effects: BgpSessionEffect[] = [];\n    try {",
    replace:
      '    const effects: BgpSessionEffect[] = [];\n    if (this.negotiated !== undefined) this.#step({ kind: "update" }, now);\n    try {',
  },
  {
    name: "stream-refreshes-are-life",
    file: STEP,
    find: "return refresh(state, event);",
    replace: "return refresh(heard(state, context).state as Established, event);",
  },
  {
    name: "stream-impatient-for-agreement",
    file: STEP,
    find: "negotiated.holdTime === 0 ? HANDSHAKE_TIME : negotiated.holdTime",
    replace: "HANDSHAKE_TIME",
  },
  {
    name: "stream-any-refresh",
    file: "impl/wire/bgp/route-refresh.ts",
    find: "if (message.length !== HEADER_LENGTH + BODY_LENGTH) {",
    replace: "if (message.length < HEADER_LENGTH + BODY_LENGTH) {",
  },
];

/** Ways to make too much, or too little, of an UPDATE. */
export const BGP_UPDATE_MUTANTS: readonly Mutant[] = [
  {
    name: "update-lengths-unnamed",
    file: UPDATE,
    find: "answering(ERRORS.malformedAttributeList, () => [",
    replace: "answering(ERRORS.updateUnspecific, () => [",
  },
  {
    name: "update-prefixes-unnamed",
    file: UPDATE,
    find: "answering(ERRORS.invalidNetworkField, () => [",
    replace: "answering(ERRORS.updateUnspecific, () => [",
  },
  { name: "update-long-prefixes", file: NLRI, find: "if (bits > most) throw", replace: "if (bits > 255) throw" },
  {
    name: "update-no-default-route",
    file: NLRI,
    find: "if (bits > most) throw",
    replace: "if (bits > most || bits === 0) throw",
  },
  {
    name: "update-families-twice",
    file: ATTRIBUTES,
    find: "if (type === mpReachNlri || type === mpUnreachNlri) {",
    replace: "if (type === mpReachNlri && type === mpUnreachNlri) {",
  },
  {
    name: "update-family-unnamed",
    file: ATTRIBUTES,
    find: "const answer = ERRORS.optionalAttributeError;",
    replace: "const answer = ERRORS.updateUnspecific;",
  },
  {
    name: "update-unknown-well-known",
    file: ATTRIBUTES,
    find: "if ((flags & FLAGS.optional) === 0) {",
    replace: "if (flags === 0xff) {",
  },
  {
    name: "update-routes-never-lost",
    file: UPDATE,
    find: "if (routes.length === 0 && list.expectsRoutes) throw refusal;",
    replace: "",
  },
  {
    name: "update-every-mistake-resets",
    file: ATTRIBUTES,
    find: "this.#refusal ??= new BgpError(",
    replace: "throw new BgpError(",
  },
  {
    name: "update-nothing-is-missing",
    file: ATTRIBUTES,
    find: "if (this.#seen.has(type)) continue;",
    replace: "if (type > 0) continue;",
  },
  {
    name: "update-any-flags",
    file: ATTRIBUTES,
    find: "if ((flags & OPTIONAL_TRANSITIVE) !== spec.flags) {",
    replace: "if (flags === 0xff) {",
  },
  {
    name: "update-any-length",
    file: ATTRIBUTES,
    find: "if (problem !== undefined) return fail(",
    replace: "if (problem === name) return fail(",
  },
  {
    name: "update-any-next-hop",
    file: UPDATE,
    find: "if (unusable) list.refuse(",
    replace: "if (unusable && nextHop === ownAddress) list.refuse(",
  },
  { name: "update-own-next-hop", file: UPDATE, find: " || nextHop === ownAddress;", replace: ";" },
  {
    name: "update-any-origin",
    file: SPECS,
    find: '      return value.fail("value", `is ${code}`);',
    replace: '      return "incomplete";',
  },
  { name: "update-empty-segments", file: AS_PATH, find: 'if (count === 0) value.fail("count", "is 0");', replace: "" },
  { name: "update-as-0", file: AS_PATH, find: 'if (asn === 0) value.fail("asns", "hold AS 0");', replace: "" },
  {
    name: "update-one-segment",
    file: AS_PATH,
    find: "    const kind = readKind(value);\n",
    replace: '    if (path.length > 0) value.fail("path", "is long");\n    const kind = readKind(value);\n',
  },
  {
    name: "update-every-discard-withdraws",
    file: ATTRIBUTES,
    find: 'this.#faults.push(attributeFault("attributeDiscard", ',
    replace: 'this.#faults.push(attributeFault("treatAsWithdraw", ',
  },
  { name: "update-any-tunnel", file: SPECS, find: ", judge: judgeTunnels }", replace: " }" },
  { name: "update-any-aigp", file: SPECS, find: ", judge: judgeAigp }", replace: " }" },
  { name: "update-any-prefix-sid", file: SPECS, find: ", judge: judgePrefixSid }", replace: " }" },
  {
    name: "update-last-of-two",
    file: ATTRIBUTES,
    find: "if (!this.#repeated.has(type)) this.#discard(",
    replace: "if (type === 0) this.#discard(",
  },
  {
    name: "update-unknown-is-refused",
    file: ATTRIBUTES,
    find: "    this.#others.push({ flags, type, value });\n  }",
    replace: '    this.refuse("attributes", `hold type ${type}`, ERRORS.optionalAttributeError);\n  }',
  },
  {
    name: "update-ends-of-one-family",
    file: ATTRIBUTES,
    find: 'if (name === "mpUnreachNlri" && reader.remaining === 0) {',
    replace: 'if (name === "mpReachNlri" && reader.remaining === 0) {',
  },
  {
    name: "update-withdrawals-need-attributes",
    file: UPDATE,
    find: "  if (announced.length > 0) {",
    replace: "  if (announced.length + withdrawn.length > 0) {",
  },
  {
    name: "update-reads-every-family",
    file: ATTRIBUTES,
    find: "if (unicast === undefined || !this.#context.families.includes(unicast)) {",
    replace: "if (unicast === undefined) {",
  },
  {
    name: "update-unreadable-family-resets",
    file: ATTRIBUTES,
    find: 'this.#faults.push(familyFault("disableFamily", family, error.path, error.problem, answer));',
    replace: "throw new BgpError(error.path, error.problem, answer);",
  },
  {
    name: "update-one-next-hop",
    file: REACH,
    find: "if (bytes.remaining !== 32) bytes.fail(",
    replace: "if (bytes.remaining !== 0) bytes.fail(",
  },
  {
    name: "update-as4-path-withdraws",
    file: SPECS,
    find: '    ...discard,\n    ...optionalTransitive,\n    name: "as4Path",',
    replace: '    ...withdraw,\n    ...optionalTransitive,\n    name: "as4Path",',
  },
];

/** Ways to take a goodbye too lightly, or not to tell of it. */
export const BGP_GOODBYE_MUTANTS: readonly Mutant[] = [
  {
    name: "goodbye-answered",
    file: STEP,
    find: 'return fail(state, { kind: "received", notification: event }, restAfterNotification(event), context);',
    replace: 'return failWith(state, event, "echo", restAfterNotification(event), context);',
  },
  {
    name: "goodbye-reset-without-reason",
    file: BACK_OFF,
    find: "hardResetReason(received) ?? received;",
    replace: "received;",
  },
  {
    name: "goodbye-unheard-text",
    file: NOTIFICATION,
    find: "if (length === 0 || length > text.length) return undefined;",
    replace: "return undefined;",
  },
  {
    name: "goodbye-empty-text",
    file: NOTIFICATION,
    find: "if (length === 0 || length > text.length) return undefined;",
    replace: "if (length > text.length) return undefined;",
  },
  {
    name: "goodbye-text-of-any-length",
    file: NOTIFICATION,
    find: "if (length === 0 || length > text.length) return undefined;",
    replace: "if (length === 0) return undefined;",
  },
  {
    name: "goodbye-raw-text",
    file: NOTIFICATION,
    find: '.replaceAll(/\\p{Cc}|\\p{Bidi_Control}/gu, "\\ufffd")',
    replace: "",
  },
];

/** Ways to send too much, or for too long, or unsigned, or without saying what for. */
export const BGP_FLOW_MUTANTS: readonly Mutant[] = [
  {
    name: "flow-refresh-each-time",
    file: RIB_OUT,
    find: "const REFRESH_INTERVAL = seconds(1);",
    replace: "const REFRESH_INTERVAL = seconds(0.001);",
  },
  {
    name: "flow-endless-backlog",
    file: "impl/speaker/bgp/bgp-peer.ts",
    find: "const MAX_BACKLOG = 65_536;",
    replace: "const MAX_BACKLOG = 65_536_000;",
  },
  {
    name: "flow-no-send-hold",
    file: ESTABLISHED,
    find: "const LEAST_SEND_HOLD = minutes(8);",
    replace: "const LEAST_SEND_HOLD = minutes(80);",
  },
  {
    name: "flow-many-small-messages",
    file: RIB_OUT,
    find: "...packWithdrawals([...withdrawn, ...forget(told, oversized)], { ipv4InMultiprotocol }),",
    replace:
      "...[...withdrawn, ...forget(told, oversized)].flatMap((prefix) => packWithdrawals([prefix], { ipv4InMultiprotocol })),",
  },
  {
    name: "flow-cut-key",
    file: CONNECT,
    find: "md5Key: encodeUtf8(peer.password) }",
    replace: "md5Key: encodeUtf8(peer.password).subarray(0, 64) }",
  },
  {
    name: "flow-key-of-one-alphabet",
    file: CONNECT,
    find: "md5Key: encodeUtf8(peer.password) }",
    replace: "md5Key: Uint8Array.from(peer.password, (char) => char.charCodeAt(0)) }",
  },
  {
    name: "flow-silent-failures",
    file: STEP,
    find: '          { kind: "down", wasUp: false, because: { kind: "connectTimeout" } },\n',
    replace: "",
  },
  {
    name: "flow-listens",
    file: "impl/speaker/bgp/bgp.ts",
    find: '    this.#phase = "running";\n    return this.#setNeighbours(now);',
    replace:
      '    this.#phase = "running";\n    return [...this.#setNeighbours(now), { kind: "listen", listener: "bgp", local: { ip: "0.0.0.0", port: 179 } }];',
  },
  {
    name: "restart-never-said",
    file: STEP,
    find: "openFor(context.config, !wasUp)",
    replace: "openFor(context.config, false)",
  },
  {
    name: "restart-without-a-word",
    file: ENDING,
    find: "const silent = negotiated?.gracefulRestart !== undefined && !notificationKeepsRoutes;",
    replace: "const silent = true;",
  },
];

/** Ways to believe the wrong BFD packet, to doubt the right one, or to be late. */
export const BFD_PACKET_MUTANTS: readonly Mutant[] = [
  { name: "bfd-any-version", file: BFD, find: "if (first >> 5 !== VERSION)", replace: "if (first >> 5 === 7)" },
  {
    name: "bfd-any-length",
    file: BFD,
    find: "if (length < (isAuthenticated ? LENGTH + 2 : LENGTH))",
    replace: "if (length < 4)",
  },
  { name: "bfd-length-beyond-the-end", file: BFD, find: "if (length > payload.length)", replace: "if (length > 1000)" },
  {
    name: "bfd-any-authentication",
    file: BFD_SESSIONS,
    find: 'if (packet.authentication !== undefined) return { drop: "authentication" };',
    replace: "",
  },
  {
    name: "bfd-multiplier-0",
    file: BFD,
    find: 'if (packet.detectMultiplier === 0) return "detectMultiplierZero";',
    replace: "",
  },
  { name: "bfd-multipoint", file: BFD, find: 'if (packet.multipoint) return "multipoint";', replace: "" },
  {
    name: "bfd-my-discriminator-0",
    file: BFD,
    find: 'if (packet.myDiscriminator === 0) return "myDiscriminatorZero";',
    replace: "",
  },
  {
    name: "bfd-your-discriminator-0",
    file: BFD,
    find: 'return packet.yourDiscriminator === 0 && !isBeginning ? "yourDiscriminatorZero" : undefined;',
    replace: "return isBeginning ? undefined : undefined;",
  },
  {
    name: "bfd-forgotten-session-refused",
    file: BFD,
    find: "return packet.yourDiscriminator === 0 && !isBeginning ?",
    replace: "return packet.yourDiscriminator === 0 ?",
  },
  {
    name: "bfd-any-discriminator",
    file: BFD_SESSIONS,
    find: "selected ? this.#byDiscriminator.get(packet.yourDiscriminator) :",
    replace:
      "this.#byDiscriminator.has(packet.yourDiscriminator) ? this.#byDiscriminator.get(packet.yourDiscriminator) :",
  },
  {
    name: "bfd-any-ttl",
    file: "impl/speaker/bfd/plane.ts",
    find: "this.#sessions.receive({ hops, source: from.ip, destination, link, vrf, ttl, bytes }, now)",
    replace:
      "this.#sessions.receive({ hops, source: from.ip, destination, link, vrf, ttl: ttl * 0 + 255, bytes }, now)",
  },
  {
    name: "bfd-malformed-uncounted",
    file: BFD_SESSIONS,
    find: 'if (packet === undefined) return this.#drop("malformed");',
    replace: "if (packet === undefined) return [];",
  },
  {
    name: "bfd-picky",
    file: BFD_SESSIONS,
    find: "const refusal = refusalOf(packet);",
    replace:
      'const odd = (packet.state === "up" && packet.diagnostic !== "none") || packet.controlPlaneIndependent || packet.final || packet.requiredMinEchoRx > 0 || packet.detectMultiplier > 50;\n    const refusal = odd ? "multipoint" : refusalOf(packet);',
  },
  {
    name: "bfd-exact-length",
    file: BFD,
    find: "if (length > payload.length)",
    replace: "if (length !== payload.length)",
  },
  {
    name: "bfd-down-is-nothing",
    file: "impl/speaker/bgp/bgp-peer.ts",
    find: 'because !== "peerAdminDown";',
    replace: 'because !== "peerDown";',
  },
  {
    name: "bfd-taken-down-is-failure",
    file: "impl/speaker/bgp/bgp-peer.ts",
    find: ' && because !== "peerAdminDown";',
    replace: ";",
  },
  {
    name: "bfd-own-interval",
    file: BFD_TIMING,
    find: "times(longer(requiredMinRx, remoteDesiredMinTx), remoteMultiplier)",
    replace: "times(remoteDesiredMinTx > requiredMinRx ? requiredMinRx : remoteDesiredMinTx, remoteMultiplier)",
  },
  {
    name: "bfd-poll-unanswered",
    file: BFD_STEP,
    find: 'if (!packet.poll || session.kind === "adminDown") return step;',
    replace: 'if (!packet.poll || session.kind !== "adminDown") return step;',
  },
  {
    name: "bfd-peers-pace",
    file: BFD_SETTLE,
    find: "return longer(used.desiredMinTx, remote.requiredMinRx);",
    replace: "return remote.requiredMinRx;",
  },
  {
    name: "bfd-unwanted-packets",
    file: BFD_SETTLE,
    find: "if (remote.requiredMinRx === 0) return undefined;",
    replace: "",
  },
  {
    name: "bfd-no-slow-start",
    file: BFD_TIMING,
    find: "SLOW_INTERVAL = seconds(1)",
    replace: "SLOW_INTERVAL = seconds(0.1)",
  },
  {
    name: "bfd-speaks-first",
    file: BFD_SETTLE,
    find: 'return config.role === "passive" && remote === undefined && !called;',
    replace: 'return config.role === "passive" && remote === undefined && called;',
  },
];
