/** Bytes written as hexadecimal digits. Blanks are free, and from `#` to the end of a line is a comment. */
export function hex(text: string): Uint8Array {
  const digits = text.replaceAll(/#.*|\s/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error(`not pairs of hexadecimal digits: ${digits}`);
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
