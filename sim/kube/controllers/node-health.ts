import { type Micros } from "../../../impl/wire/time.ts";

/** Which kubelets live. The driver says so; controllers act on it. */
export class NodeHealth {
  readonly #silentSince = new Map<string, Micros>();
  readonly #listeners: ((node: string) => void)[] = [];

  isAlive(node: string): boolean {
    return !this.#silentSince.has(node);
  }

  /** When the kubelet of a node was heard last; undefined while it lives. */
  silentSince(node: string): Micros | undefined {
    return this.#silentSince.get(node);
  }

  set(node: string, alive: boolean, now: Micros): void {
    if (this.isAlive(node) === alive) return;
    if (alive) this.#silentSince.delete(node);
    else this.#silentSince.set(node, now);
    for (const listener of this.#listeners) listener(node);
  }

  onChange(listener: (node: string) => void): void {
    this.#listeners.push(listener);
  }
}
