// IANA "Border Gateway Protocol (BGP) Parameters", error codes and subcodes. RFC 4271 section 4.5, RFC 4486, RFC 6608,
// RFC 7313, RFC 8538, RFC 9234, RFC 9384, RFC 9687, RFC 9815.

/** What a NOTIFICATION says, with its name in the registry. */
export interface ErrorCode {
  readonly code: number;
  readonly subcode: number;
  readonly name: string;
}

const CODES: Readonly<Record<number, string>> = {
  1: "Message Header Error",
  2: "OPEN Message Error",
  3: "UPDATE Message Error",
  4: "Hold Timer Expired",
  5: "Finite State Machine Error",
  6: "Cease",
  7: "ROUTE-REFRESH Message Error",
  8: "Send Hold Timer Expired",
  9: "Loss of LSDB Synchronization",
};

const error = (code: number, subcode: number, name: string): ErrorCode => ({ code, subcode, name });

export const ERRORS = {
  headerUnspecific: error(1, 0, "Unspecific"),
  connectionNotSynchronized: error(1, 1, "Connection Not Synchronized"),
  badMessageLength: error(1, 2, "Bad Message Length"),
  badMessageType: error(1, 3, "Bad Message Type"),

  openUnspecific: error(2, 0, "Unspecific"),
  unsupportedVersionNumber: error(2, 1, "Unsupported Version Number"),
  badPeerAs: error(2, 2, "Bad Peer AS"),
  badBgpIdentifier: error(2, 3, "Bad BGP Identifier"),
  unsupportedOptionalParameter: error(2, 4, "Unsupported Optional Parameter"),
  unacceptableHoldTime: error(2, 6, "Unacceptable Hold Time"),
  unsupportedCapability: error(2, 7, "Unsupported Capability"),
  roleMismatch: error(2, 11, "Role Mismatch"),

  updateUnspecific: error(3, 0, "Unspecific"),
  malformedAttributeList: error(3, 1, "Malformed Attribute List"),
  unrecognizedWellKnownAttribute: error(3, 2, "Unrecognized Well-known Attribute"),
  missingWellKnownAttribute: error(3, 3, "Missing Well-known Attribute"),
  attributeFlagsError: error(3, 4, "Attribute Flags Error"),
  attributeLengthError: error(3, 5, "Attribute Length Error"),
  invalidOriginAttribute: error(3, 6, "Invalid ORIGIN Attribute"),
  invalidNextHopAttribute: error(3, 8, "Invalid NEXT_HOP Attribute"),
  optionalAttributeError: error(3, 9, "Optional Attribute Error"),
  invalidNetworkField: error(3, 10, "Invalid Network Field"),
  malformedAsPath: error(3, 11, "Malformed AS_PATH"),

  holdTimerExpired: error(4, 0, "Unspecific"),

  fsmUnspecified: error(5, 0, "Unspecified Error"),
  unexpectedInOpenSent: error(5, 1, "Receive Unexpected Message in OpenSent State"),
  unexpectedInOpenConfirm: error(5, 2, "Receive Unexpected Message in OpenConfirm State"),
  unexpectedInEstablished: error(5, 3, "Receive Unexpected Message in Established State"),

  cease: error(6, 0, "Reserved"),
  maximumNumberOfPrefixesReached: error(6, 1, "Maximum Number of Prefixes Reached"),
  administrativeShutdown: error(6, 2, "Administrative Shutdown"),
  peerDeconfigured: error(6, 3, "Peer De-configured"),
  administrativeReset: error(6, 4, "Administrative Reset"),
  connectionRejected: error(6, 5, "Connection Rejected"),
  otherConfigurationChange: error(6, 6, "Other Configuration Change"),
  connectionCollisionResolution: error(6, 7, "Connection Collision Resolution"),
  outOfResources: error(6, 8, "Out of Resources"),
  hardReset: error(6, 9, "Hard Reset"),
  bfdDown: error(6, 10, "BFD Down"),

  routeRefreshReserved: error(7, 0, "Reserved"),
  invalidMessageLength: error(7, 1, "Invalid Message Length"),

  sendHoldTimerExpired: error(8, 0, "Unspecific"),
  lossOfLsdbSynchronization: error(9, 0, "Unspecific"),
} as const satisfies Readonly<Record<string, ErrorCode>>;

/** The codes whose only subcode is 0: their own name says everything. */
const WITHOUT_SUBCODES: readonly number[] = [4, 8, 9];

/** `Cease/Administrative Shutdown`; a number stands where the registry has no name. */
export function describeError(code: number, subcode: number): string {
  const name = CODES[code] ?? `Error ${code}`;
  if (subcode === 0 && WITHOUT_SUBCODES.includes(code)) return name;
  const known = Object.values(ERRORS).find((each) => each.code === code && each.subcode === subcode);
  return `${name}/${known?.name ?? `subcode ${subcode}`}`;
}
