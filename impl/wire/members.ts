// The packets of hashicorp/memberlist 0.5 (net.go, util.go), protocol versions 1 to 5: SWIM with push/pull.
// Not here yet: encryption (encrypt, 10). Labels (244) are refused, since MetalLB sets none.
import { unreachable } from "./brand.ts";
import { crc32 } from "./crc32.ts";
import { DecodeError } from "./errors.ts";
import { type Ip, ipToBytes } from "./ip.ts";
import { decompressLzw } from "./lzw.ts";
import { type MsgpackInput, writeMap } from "./msgpack.ts";
import { StructReader } from "./msgpack-struct.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** memberlist net.go, messageType. */
const TYPES = {
  ping: 0,
  indirectPing: 1,
  ack: 2,
  suspect: 3,
  alive: 4,
  dead: 5,
  pushPull: 6,
  compound: 7,
  user: 8,
  compress: 9,
  encrypt: 10,
  nack: 11,
  hasCrc: 12,
  error: 13,
} as const;

/** memberlist state.go, NodeStateType. */
const STATES = { alive: 0, suspect: 1, dead: 2, left: 3 } as const;
export type MemberState = keyof typeof STATES;

/** Where an answer may go directly; the sender of the packet where it is absent. */
interface Asker {
  readonly sourceAddress?: Ip | undefined;
  readonly sourcePort?: number | undefined;
  readonly sourceNode?: string | undefined;
}

export interface MembersPing extends Asker {
  readonly kind: "ping";
  readonly sequence: number;
  /** Who should answer; another node that got the address keeps silent. */
  readonly node: string;
}

export interface MembersIndirectPing extends Asker {
  readonly kind: "indirectPing";
  readonly sequence: number;
  readonly target: Ip;
  readonly port: number;
  readonly node: string;
  /** Whether to say so when the target does not answer. */
  readonly nack: boolean;
}

export interface MembersAck {
  readonly kind: "ack";
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export interface MembersNack {
  readonly kind: "nack";
  readonly sequence: number;
}

/** `dead` with `from` equal to `node` is a node that leaves. */
export interface MembersAccusation {
  readonly kind: "suspect" | "dead";
  readonly incarnation: number;
  readonly node: string;
  readonly from: string;
}

export interface MembersAlive {
  readonly kind: "alive";
  readonly incarnation: number;
  readonly node: string;
  readonly address: Ip;
  readonly port: number;
  readonly meta: Uint8Array;
  /** Protocol minimum, maximum, current, then the same of the delegate. */
  readonly versions: readonly number[];
}

export interface MembersNode {
  readonly name: string;
  readonly address: Ip;
  readonly port: number;
  readonly meta: Uint8Array;
  readonly incarnation: number;
  readonly state: MemberState;
  readonly versions: readonly number[];
}

/** The whole state of a node, over a stream. */
export interface MembersPushPull {
  readonly kind: "pushPull";
  readonly join: boolean;
  readonly nodes: readonly MembersNode[];
  readonly userState: Uint8Array;
}

export interface MembersUser {
  readonly kind: "user";
  readonly payload: Uint8Array;
}

export interface MembersError {
  readonly kind: "error";
  readonly text: string;
}

export interface MembersUnknown {
  readonly kind: "unknown";
  readonly type: number;
  readonly body: Uint8Array;
}

/** A message begins with its type, 1 byte. What follows is a msgpack map whose keys are the fields' names in Go. */
export type MembersMessage =
  | MembersPing
  | MembersIndirectPing
  | MembersAck
  | MembersNack
  | MembersAccusation
  | MembersAlive
  | MembersPushPull
  | MembersUser
  | MembersError
  | MembersUnknown;

export function encodeMembers(message: MembersMessage): Uint8Array {
  const writer = new Writer(128);
  if (message.kind === "unknown") return writer.u8(message.type).bytes(message.body).finish();
  writer.u8(TYPES[message.kind]);
  switch (message.kind) {
    case "pushPull":
      writePushPull(writer, message);
      break;
    case "user":
      writer.bytes(message.payload);
      break;
    default:
      writeMap(writer, fieldsOf(message));
  }
  return writer.finish();
}

type Fields = readonly (readonly [name: string, value: MsgpackInput])[];

/** In alphabetical order, as Go's codec writes a struct. */
function fieldsOf(message: Exclude<MembersMessage, MembersPushPull | MembersUser | MembersUnknown>): Fields {
  switch (message.kind) {
    case "ping":
      return [["Node", message.node], ["SeqNo", message.sequence], ...askerFields(message)];
    case "indirectPing":
      return [
        ["Nack", message.nack],
        ["Node", message.node],
        ["Port", message.port],
        ["SeqNo", message.sequence],
        ...askerFields(message),
        ["Target", ipToBytes(message.target)],
      ];
    case "ack":
      return [
        ["Payload", bytesOrNil(message.payload)],
        ["SeqNo", message.sequence],
      ];
    case "nack":
      return [["SeqNo", message.sequence]];
    case "suspect":
    case "dead":
      return [
        ["From", message.from],
        ["Incarnation", message.incarnation],
        ["Node", message.node],
      ];
    case "alive":
      return [
        ["Addr", ipToBytes(message.address)],
        ["Incarnation", message.incarnation],
        ["Meta", bytesOrNil(message.meta)],
        ["Node", message.node],
        ["Port", message.port],
        ["Vsn", Uint8Array.from(message.versions)],
      ];
    case "error":
      return [["Error", message.text]];
    default:
      return unreachable(message);
  }
}

function askerFields({ sourceAddress, sourceNode, sourcePort }: Asker): Fields {
  const fields: (readonly [string, MsgpackInput])[] = [];
  if (sourceAddress !== undefined) fields.push(["SourceAddr", ipToBytes(sourceAddress)]);
  if (sourceNode !== undefined) fields.push(["SourceNode", sourceNode]);
  if (sourcePort !== undefined) fields.push(["SourcePort", sourcePort]);
  return fields;
}

const bytesOrNil = (bytes: Uint8Array): Uint8Array | undefined => (bytes.length === 0 ? undefined : bytes);

function writePushPull(writer: Writer, message: MembersPushPull): void {
  const { join, nodes, userState } = message;
  writeMap(writer, [
    ["Join", join],
    ["Nodes", nodes.length],
    ["UserStateLen", userState.length],
  ]);
  for (const node of nodes) {
    writeMap(writer, [
      ["Addr", ipToBytes(node.address)],
      ["Incarnation", node.incarnation],
      ["Meta", bytesOrNil(node.meta)],
      ["Name", node.name],
      ["Port", node.port],
      ["State", STATES[node.state]],
      ["Vsn", Uint8Array.from(node.versions)],
    ]);
  }
  writer.bytes(userState);
}

/** memberlist util.go, makeCompoundMessage: a count, the lengths, the messages. */
export const COMPOUND_LIMIT = 255;
/** Bytes that a compound adds: once, and for each message in it. */
export const COMPOUND_OVERHEAD = { once: 2, each: 2 } as const;

/**
 * One packet of up to COMPOUND_LIMIT encoded messages.
 *
 *   type      1
 *   count     1
 *   lengths   2 each
 *   messages  …
 */
export function encodeCompound(messages: readonly Uint8Array[]): Uint8Array {
  if (messages.length > COMPOUND_LIMIT) throw new Error(`${messages.length} messages do not fit into one packet`);
  const writer = new Writer(256).u8(TYPES.compound).u8(messages.length);
  for (const message of messages) writer.u16(message.length);
  for (const message of messages) writer.bytes(message);
  return writer.finish();
}

/** memberlist net.go: udpPacketBufSize and maxPushStateBytes. */
const MAX_LENGTH = { packet: 65536, stream: 20 * 1024 * 1024 } as const;
/** A Kubernetes cluster has 5,000 nodes at most; a packed state of a few bytes a node could fill the memory. */
const MAX_NODES = 65536;

/**
 * The messages of one datagram.
 *
 *   hasCrc    5  12, then the CRC-32 of the rest; towards nodes of protocol version 5
 *   compress  …  9, then a struct with the rest; where that is shorter
 *   compound  …  or one message
 */
export function decodeMembers(bytes: Uint8Array): readonly MembersMessage[] {
  let reader = new Reader(bytes, "members");
  let type = reader.u8("type");
  if (type === TYPES.hasCrc) {
    const expected = reader.u32("crc");
    const rest = reader.rest();
    if (crc32(rest) !== expected) reader.fail("crc", "is wrong");
    reader = new Reader(rest, "members");
    type = reader.u8("type");
  }
  if (type === TYPES.compress) {
    reader = new Reader(readCompressed(reader, MAX_LENGTH.packet), "members");
    type = reader.u8("type");
  }
  return type === TYPES.compound ? readCompound(reader) : [readMessage(reader, type)];
}

/** What is wrapped once more inside is not opened: memberlist does not send it, and a small packet could unfold for ever. */
function readCompound(reader: Reader): readonly MembersMessage[] {
  const count = reader.u8("count");
  const lengths: number[] = [];
  for (let index = 0; index < count; index++) lengths.push(reader.u16("lengths"));
  return lengths.map((length, index) => readWhole(reader.bytes(length, `messages[${index}]`)));
}

function readWhole(bytes: Uint8Array): MembersMessage {
  const reader = new Reader(bytes, "members");
  return readMessage(reader, reader.u8("type"));
}

function readCompressed(reader: Reader, limit: number): Uint8Array {
  const fields = new StructReader(reader, "compress");
  if (fields.number("Algo", 0xff) !== 0) reader.fail("compress.Algo", "is not LZW");
  return decompressLzw(fields.bytes("Buf"), limit, "members.compress.Buf");
}

/** What of a state that comes in pieces has been read, so that it is not read again with every piece. */
export interface PushPullProgress {
  readonly nodes: MembersNode[];
  /** How many bytes of the stream they took. */
  length: number;
}

/**
 * The first message of a stream and how many bytes it took; undefined where more have to come. Then `progress`, if it is
 * given again with the longer stream, spares reading the nodes anew.
 */
export function decodeMembersStream(
  bytes: Uint8Array,
  progress: PushPullProgress = { nodes: [], length: 0 },
): { readonly message: MembersMessage; readonly length: number } | undefined {
  const reader = new Reader(bytes, "members");
  let unpacked: Uint8Array;
  try {
    const type = reader.u8("type");
    if (type === TYPES.pushPull) return { message: readPushPull(reader, progress), length: reader.offset };
    if (type !== TYPES.compress) return { message: readMessage(reader, type), length: reader.offset };
    unpacked = readCompressed(reader, MAX_LENGTH.stream);
  } catch (error) {
    if (error instanceof DecodeError && error.truncated) return undefined;
    throw error;
  }
  return { message: readWhole(unpacked), length: reader.offset };
}

function readMessage(reader: Reader, type: number): MembersMessage {
  switch (type) {
    case TYPES.ping:
      return readPing(new StructReader(reader, "ping"));
    case TYPES.indirectPing:
      return readIndirectPing(new StructReader(reader, "indirectPing"));
    case TYPES.ack: {
      const fields = new StructReader(reader, "ack");
      return { kind: "ack", sequence: fields.u32("SeqNo"), payload: fields.bytes("Payload") };
    }
    case TYPES.nack:
      return { kind: "nack", sequence: new StructReader(reader, "nack").u32("SeqNo") };
    case TYPES.suspect:
      return readAccusation(new StructReader(reader, "suspect"), "suspect");
    case TYPES.dead:
      return readAccusation(new StructReader(reader, "dead"), "dead");
    case TYPES.alive:
      return readAlive(new StructReader(reader, "alive"));
    case TYPES.pushPull:
      return readPushPull(reader, { nodes: [], length: 0 });
    case TYPES.user:
      return { kind: "user", payload: reader.rest() };
    case TYPES.error:
      return { kind: "error", text: new StructReader(reader, "error").text("Error") };
    default:
      return { kind: "unknown", type, body: reader.rest() };
  }
}

function readPing(fields: StructReader): MembersPing {
  return { kind: "ping", sequence: fields.u32("SeqNo"), node: fields.text("Node"), ...readAsker(fields) };
}

function readIndirectPing(fields: StructReader): MembersIndirectPing {
  return {
    kind: "indirectPing",
    sequence: fields.u32("SeqNo"),
    target: fields.ip("Target"),
    port: fields.number("Port", 0xffff),
    node: fields.text("Node"),
    nack: fields.flag("Nack"),
    ...readAsker(fields),
  };
}

function readAsker(fields: StructReader): Asker {
  return {
    sourceAddress: fields.has("SourceAddr") ? fields.ip("SourceAddr") : undefined,
    sourcePort: fields.has("SourcePort") ? fields.number("SourcePort", 0xffff) : undefined,
    sourceNode: fields.has("SourceNode") ? fields.text("SourceNode") : undefined,
  };
}

function readAccusation(fields: StructReader, kind: MembersAccusation["kind"]): MembersAccusation {
  return { kind, incarnation: fields.u32("Incarnation"), node: fields.text("Node"), from: fields.text("From") };
}

function readAlive(fields: StructReader): MembersAlive {
  return {
    kind: "alive",
    incarnation: fields.u32("Incarnation"),
    node: fields.text("Node"),
    address: fields.ip("Addr"),
    port: fields.number("Port", 0xffff),
    meta: fields.bytes("Meta"),
    versions: [...fields.bytes("Vsn")],
  };
}

function readPushPull(reader: Reader, progress: PushPullProgress): MembersPushPull {
  const header = new StructReader(reader, "pushPull");
  const count = header.number("Nodes", MAX_NODES);
  const { nodes } = progress;
  if (progress.length > reader.offset) reader.bytes(progress.length - reader.offset, "pushPull.nodes");
  for (let index = nodes.length; index < count; index++) {
    nodes.push(readNode(new StructReader(reader, `pushPull.nodes[${index}]`)));
    progress.length = reader.offset;
  }
  const userState = reader.bytes(header.u32("UserStateLen"), "pushPull.userState");
  return { kind: "pushPull", join: header.flag("Join"), nodes, userState };
}

function readNode(fields: StructReader): MembersNode {
  const { alive, suspect, dead } = STATES;
  const code = fields.number("State", STATES.left);
  return {
    name: fields.text("Name"),
    address: fields.ip("Addr"),
    port: fields.number("Port", 0xffff),
    meta: fields.bytes("Meta"),
    incarnation: fields.u32("Incarnation"),
    state: code === alive ? "alive" : code === suspect ? "suspect" : code === dead ? "dead" : "left",
    versions: [...fields.bytes("Vsn")],
  };
}
