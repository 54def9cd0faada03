// RFC 4648 section 4: how Kubernetes writes the values of a Secret.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The bytes, or undefined where the text is not base64. Line breaks are allowed, as YAML writers put them in. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const digits = text.replaceAll(/[\r\n]/g, "");
  if (digits.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(digits)) return undefined;
  const significant = digits.replace(/=+$/, "");
  const bytes = new Uint8Array(Math.floor((significant.length * 6) / 8));
  let buffer = 0;
  let bits = 0;
  let length = 0;
  for (const digit of significant) {
    buffer = ((buffer << 6) | ALPHABET.indexOf(digit)) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[length++] = (buffer >> bits) & 0xff;
    }
  }
  return bytes;
}

export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  for (let index = 0; index < bytes.length; index += 3) {
    const [a = 0, b, c] = bytes.subarray(index, index + 3);
    const group = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    const digits = [18, 12, 6, 0].map((shift) => ALPHABET.charAt((group >> shift) & 63));
    if (c === undefined) digits[3] = "=";
    if (b === undefined) digits[2] = "=";
    text += digits.join("");
  }
  return text;
}
