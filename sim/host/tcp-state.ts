// RFC 9293 section 3.3.2.

/** Each state with those that may follow it. LISTEN is not here: a listener is no connection, it makes them. */
export const TCP_TRANSITIONS = {
  closed: ["synSent", "synReceived"],
  synSent: ["established", "synReceived", "closed"],
  synReceived: ["established", "finWait1", "closed"],
  established: ["finWait1", "closeWait", "closed"],
  finWait1: ["finWait2", "closing", "timeWait", "closed"],
  finWait2: ["timeWait", "closed"],
  closeWait: ["lastAck", "closed"],
  closing: ["timeWait", "closed"],
  lastAck: ["closed"],
  timeWait: ["closed"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type TcpState = keyof typeof TCP_TRANSITIONS;

export function mayFollow(from: TcpState, to: TcpState): boolean {
  const followers: readonly TcpState[] = TCP_TRANSITIONS[from];
  return followers.includes(to);
}
