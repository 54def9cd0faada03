// RFC 9293 section 3.4: sequence numbers are compared modulo 2^32.

export const advance = (sequence: number, by: number): number => (sequence + by) >>> 0;

/** How far `left` lies ahead of `right`; negative where it lies behind. */
export const distance = (left: number, right: number): number => (left - right) | 0;

export const isBefore = (left: number, right: number): boolean => distance(left, right) < 0;
