// RFC 3629 (UTF-8), for code that runs without the platform's own.

const REPLACEMENT = 0xfffd;

/** Half a surrogate pair becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const ascii = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) return encodeFrom(text, ascii, index);
    ascii[index] = unit;
  }
  return ascii;
}

/** Goes on where the first `start` units were ASCII. */
function encodeFrom(text: string, ascii: Uint8Array, start: number): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  bytes.set(ascii);
  let length = start;
  for (let index = start; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) {
      bytes[length++] = unit;
      continue;
    }
    let point = text.codePointAt(index) ?? REPLACEMENT;
    if (point > 0xffff) index++;
    else if (point >= 0xd800 && point <= 0xdfff) point = REPLACEMENT;
    length = writePoint(bytes, length, point);
  }
  return bytes.slice(0, length);
}

/** RFC 3629 section 3. */
function writePoint(bytes: Uint8Array, at: number, point: number): number {
  let length = at;
  if (point < 0x800) {
    bytes[length++] = 0xc0 | (point >> 6);
  } else {
    if (point < 0x10000) {
      bytes[length++] = 0xe0 | (point >> 12);
    } else {
      bytes[length++] = 0xf0 | (point >> 18);
      bytes[length++] = 0x80 | ((point >> 12) & 0x3f);
    }
    bytes[length++] = 0x80 | ((point >> 6) & 0x3f);
  }
  bytes[length++] = 0x80 | (point & 0x3f);
  return length;
}

/** Each longest piece of bytes that is not UTF-8 becomes one U+FFFD (Unicode 16, section 3.9). */
export function decodeUtf8(bytes: Uint8Array): string {
  let text = "";
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at++] ?? 0;
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const more = first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    let point = first & (0x3f >> more);
    // RFC 3629 section 4: the second byte has a range of its own, which keeps out long forms, surrogates and > 10FFFF.
    let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    let left = more;
    for (; left > 0; left--) {
      const next = bytes[at] ?? 0;
      if (next < low || next > high) break;
      point = (point << 6) | (next & 0x3f);
      at++;
      low = 0x80;
      high = 0xbf;
    }
    text += String.fromCodePoint(more === 0 || left > 0 ? REPLACEMENT : point);
  }
  return text;
}

/** Two digits for each byte. */
export function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
