// The other end of the scale: a peer that does nothing but send what was computed before it started.
import { type Effect, type Endpoint, type Input, type Process } from "../../impl/ports.ts";
import { pathOf } from "../../impl/wire/bgp/as-path.ts";
import { encodeKeepalive } from "../../impl/wire/bgp/keepalive.ts";
import { readHeader } from "../../impl/wire/bgp/header.ts";
import { MessageStream } from "../../impl/wire/bgp/message-stream.ts";
import { encodeOpen } from "../../impl/wire/bgp/open.ts";
import { packUpdates } from "../../impl/wire/bgp/pack.ts";
import { type Ipv4 } from "../../impl/wire/ip.ts";
import { parsePrefix } from "../../impl/wire/prefix.ts";
import { seconds } from "../../impl/wire/time.ts";
import { addressOf, OWN_ASN } from "./bgp-speaker-of.ts";

const STREAM = "blast";

/** The UPDATEs of so many Services, as a single piece. */
function blastOf(services: number, nextHop: Ipv4): Uint8Array {
  const prefixes = Array.from({ length: services }, (_, index) => parsePrefix(`${addressOf(index)}/32`));
  const attributes = { origin: "igp", asPath: pathOf(OWN_ASN) } as const;
  const { messages } = packUpdates([{ prefixes, nextHop, attributes }], { asSize: 4 });
  return new Uint8Array(messages.flatMap((message) => [...message]));
}

/** Dials, says who it is, and sends everything at once when the session is up. */
export class BlastProcess implements Process {
  readonly #to: Endpoint;
  readonly #own: Ipv4;
  readonly #blast: Uint8Array;
  readonly #stream = new MessageStream();
  #sent = false;

  constructor(services: number, own: Ipv4, to: Endpoint) {
    this.#to = to;
    this.#own = own;
    this.#blast = blastOf(services, own);
  }

  handle(input: Input): readonly Effect[] {
    switch (input.kind) {
      case "started":
        return [{ kind: "connect", stream: STREAM, to: this.#to }];
      case "streamOpened":
        return [write(this.#open())];
      case "streamData":
        return this.#read(input.bytes);
      default:
        return [];
    }
  }

  deadline(): undefined {
    return undefined;
  }

  #open(): Uint8Array {
    const capabilities = [
      { kind: "multiprotocol", afi: 1, safi: 1 },
      { kind: "fourOctetAs", asn: OWN_ASN },
    ] as const;
    return encodeOpen({ kind: "open", asn: OWN_ASN, holdTime: seconds(180), bgpIdentifier: this.#own, capabilities });
  }

  #read(bytes: Uint8Array): readonly Effect[] {
    const effects: Effect[] = [];
    this.#stream.feed(bytes, (message) => {
      const { type } = readHeader(message);
      if (type === "open" || (type === "keepalive" && this.#sent)) effects.push(write(encodeKeepalive()));
      else if (type === "keepalive") effects.push(write(this.#blast));
      this.#sent ||= type === "keepalive";
    });
    return effects;
  }
}

const write = (bytes: Uint8Array): Effect => ({ kind: "write", stream: STREAM, bytes });
