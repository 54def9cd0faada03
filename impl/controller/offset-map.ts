const BITS = 5;
const FAN_OUT = 32;

/** One word of the tree. In a leaf the bits are the entries, elsewhere they sum up the children. */
interface Node<T> {
  /** Bit i: part i has no room left. */
  full: number;
  /** Bit i: part i has an entry. */
  any: number;
  readonly children: (Node<T> | undefined)[];
  /** Of a leaf. */
  readonly values: (T | undefined)[];
}

const lowestBit = (word: number): number => 31 - Math.clz32(word & -word);

/**
 * A map of the integers in [0, 2^bits), bits at most 32, as a tree of 32-bit words that exists only where there are
 * entries: every question costs one step per level, however many entries there are and however often they came and went.
 */
export class OffsetMap<T> {
  readonly #levels: number;
  /** Bits of the root that lie beyond the end. */
  readonly #beyond: number;
  readonly #reserved: (leafStart: number) => number;
  readonly #root: Node<T>;
  readonly #path: Node<T>[] = [];
  /** A leaf that went empty, kept for where one entry comes and goes. */
  #spareLeaf: Node<T> | undefined;

  /** `reserved` gives, for a leaf's first integer, the bits that are never free; they are no entries either. */
  constructor(bits: number, reserved: (leafStart: number) => number = () => 0) {
    this.#levels = Math.max(1, Math.ceil(bits / BITS));
    const rootBits = bits - BITS * (this.#levels - 1);
    this.#beyond = rootBits === BITS ? 0 : -1 << (1 << rootBits);
    this.#reserved = reserved;
    this.#root = this.#node(this.#levels - 1, 0);
  }

  get empty(): boolean {
    return this.#root.any === 0;
  }

  get(offset: number): T | undefined {
    let node: Node<T> | undefined = this.#root;
    for (let level = this.#levels - 1; level > 0; level--) {
      node = node.children[(offset >>> (BITS * level)) % FAN_OUT];
      if (node === undefined) return undefined;
    }
    return node.values[offset % FAN_OUT];
  }

  set(offset: number, value: T): void {
    let node = this.#root;
    for (let level = this.#levels - 1; level > 0; level--) {
      this.#path[level] = node;
      const index = (offset >>> (BITS * level)) % FAN_OUT;
      let child = node.children[index];
      if (child === undefined) {
        child = this.#node(level - 1, offset);
        node.children[index] = child;
      }
      node = child;
    }
    const bit = 1 << (offset % FAN_OUT);
    node.any |= bit;
    node.full |= bit;
    node.values[offset % FAN_OUT] = value;
    for (let level = 1; level < this.#levels; level++) {
      const parent = this.#path[level];
      if (parent === undefined) return;
      const partBit = 1 << ((offset >>> (BITS * level)) % FAN_OUT);
      parent.any |= partBit;
      if (node.full === -1) parent.full |= partBit;
      node = parent;
    }
  }

  delete(offset: number): void {
    let node: Node<T> | undefined = this.#root;
    for (let level = this.#levels - 1; level > 0; level--) {
      this.#path[level] = node;
      node = node.children[(offset >>> (BITS * level)) % FAN_OUT];
      if (node === undefined) return;
    }
    const bit = 1 << (offset % FAN_OUT);
    node.any &= ~bit;
    node.values[offset % FAN_OUT] = undefined;
    node.full = node.any | this.#leafFull(offset);
    for (let level = 1; level < this.#levels; level++) {
      const parent = this.#path[level];
      if (parent === undefined) return;
      const index = (offset >>> (BITS * level)) % FAN_OUT;
      parent.full &= ~(1 << index);
      if (node.any === 0) {
        parent.any &= ~(1 << index);
        parent.children[index] = undefined;
        if (level === 1) this.#spareLeaf = node;
      }
      node = parent;
    }
  }

  /** The lowest integer that is neither an entry nor reserved. */
  firstAbsent(): number | undefined {
    let node = this.#root;
    let start = 0;
    for (let level = this.#levels - 1; level >= 0; level--) {
      if (node.full === -1) return undefined;
      const index = lowestBit(~node.full);
      start += index * 2 ** (BITS * level);
      if (level === 0) break;
      const child = node.children[index];
      if (child === undefined) return start + this.#firstOfEmpty(start);
      node = child;
    }
    return start;
  }

  /** The lowest entry that is not below `from`. */
  next(from: number): number | undefined {
    const found = next(this.#root, this.#levels - 1, from);
    return found < 0 ? undefined : found;
  }

  #node(level: number, offset: number): Node<T> {
    const full = level === 0 ? this.#leafFull(offset) : level === this.#levels - 1 ? this.#beyond : 0;
    const spare = level === 0 ? this.#spareLeaf : undefined;
    if (spare === undefined) return { full, any: 0, children: [], values: [] };
    this.#spareLeaf = undefined;
    spare.full = full;
    return spare;
  }

  /** In a part without entries only the start of its first leaf can be reserved. */
  #firstOfEmpty(start: number): number {
    return lowestBit(~this.#reserved(start));
  }

  #leafFull(offset: number): number {
    return this.#reserved(offset - (offset % FAN_OUT)) | (this.#levels === 1 ? this.#beyond : 0);
  }
}

/** The lowest entry of `node` not below `from`, both counted from the node's start; -1: none. */
function next<T>(node: Node<T>, level: number, from: number): number {
  const size = 2 ** (BITS * level);
  const first = Math.floor(from / size);
  if (first >= FAN_OUT) return -1;
  for (let rest = node.any & (-1 << first); rest !== 0; rest &= rest - 1) {
    const index = lowestBit(rest);
    if (level === 0) return index;
    const child = node.children[index];
    const found = child === undefined ? -1 : next(child, level - 1, index === first ? from - first * size : 0);
    if (found >= 0) return index * size + found;
  }
  return -1;
}
