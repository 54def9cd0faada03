// A certificate for a server that nobody gave one: RFC 5280 in DER (ITU-T X.690), signed by its own key. It proves nothing;
// it lets Prometheus encrypt what it sends, its token among it.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

const TAG = { boolean: 1, integer: 2, bitString: 3, octetString: 4, oid: 6, utf8String: 12, time: 0x18 } as const;
const SEQUENCE = 0x30;
const SET = 0x31;
/** [0] and [3] of TBSCertificate, [2] of GeneralName. */
const CONTEXT = { version: 0xa0, extensions: 0xa3, dnsName: 0x82 } as const;
const VERSION_3 = 2;
/** Backdated, for clients whose clocks are behind. */
const LEEWAY_MS = 5 * 60_000;
/** As long as a process may run; who wants shorter ones gives certificates of an authority. */
const LIFETIME_MS = 10 * 365 * 86_400_000;

function tlv(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), body]);
}

const sequence = (...content: readonly Uint8Array[]): Buffer => tlv(SEQUENCE, ...content);
const octets = (...content: readonly Uint8Array[]): Buffer => tlv(TAG.octetString, ...content);
const bits = (bytes: Uint8Array, unused = 0): Buffer => tlv(TAG.bitString, Buffer.from([unused]), bytes);
const TRUE = tlv(TAG.boolean, Buffer.from([0xff]));

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = rest.flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
    return digits;
  });
  return tlv(TAG.oid, Buffer.from([first * 40 + second, ...bytes]));
}

/** GeneralizedTime, which RFC 5280 section 4.1.2.5 wants from 2050 on and everybody reads before. */
const time = (at: number): Buffer =>
  tlv(TAG.time, Buffer.from(new Date(at).toISOString().replaceAll(/[-:T]|\.\d+/g, "")));

const COMMON_NAME = oid("2.5.4.3");
const ECDSA_WITH_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));

const distinguishedName = (name: string): Buffer =>
  sequence(tlv(SET, sequence(COMMON_NAME, tlv(TAG.utf8String, Buffer.from(name)))));

function extensions(name: string, publicKey: Buffer): Buffer {
  const keyIdentifier = createHash("sha1").update(publicKey).digest();
  return tlv(
    CONTEXT.extensions,
    sequence(
      // RFC 5280 section 4.2.1.9: basicConstraints, critical; no CA.
      sequence(oid("2.5.29.19"), TRUE, octets(sequence())),
      // Section 4.2.1.3: keyUsage, critical: digitalSignature is the first of its bits.
      sequence(oid("2.5.29.15"), TRUE, octets(bits(Buffer.from([0x80]), 7))),
      // Section 4.2.1.2: subjectKeyIdentifier.
      sequence(oid("2.5.29.14"), octets(octets(keyIdentifier))),
      // Section 4.2.1.12: extKeyUsage serverAuth.
      sequence(oid("2.5.29.37"), octets(sequence(oid("1.3.6.1.5.5.7.3.1")))),
      // Section 4.2.1.6: subjectAltName.
      sequence(oid("2.5.29.17"), octets(sequence(tlv(CONTEXT.dnsName, Buffer.from(name))))),
    ),
  );
}

function certificate(name: string, publicKey: KeyObject, privateKey: KeyObject, now: number): Buffer {
  const subjectPublicKeyInfo = publicKey.export({ type: "spki", format: "der" });
  const serial = randomBytes(16);
  // Positive, and without a leading zero.
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f);
  const toBeSigned = sequence(
    tlv(CONTEXT.version, tlv(TAG.integer, Buffer.from([VERSION_3]))),
    tlv(TAG.integer, serial),
    ECDSA_WITH_SHA256,
    distinguishedName(name),
    sequence(time(now - LEEWAY_MS), time(now + LIFETIME_MS)),
    distinguishedName(name),
    subjectPublicKeyInfo,
    extensions(name, subjectPublicKeyInfo),
  );
  return sequence(toBeSigned, ECDSA_WITH_SHA256, bits(sign("sha256", toBeSigned, privateKey)));
}

export function selfSigned(name: string, now = Date.now()): ServerCertificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const lines =
    certificate(name, publicKey, privateKey, now)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
