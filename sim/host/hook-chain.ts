import { type Hook, type IpPacket } from "./hooks.ts";

/** The hooks of one place, in their order. */
export class HookChain {
  #hooks: readonly Hook[] = [];
  readonly #dropped: (packet: IpPacket, because: string) => void;

  constructor(dropped: (packet: IpPacket, because: string) => void) {
    this.#dropped = dropped;
  }

  add(hook: Hook): Disposable {
    this.#hooks = [...this.#hooks, hook];
    return {
      [Symbol.dispose]: () => {
        this.#hooks = this.#hooks.filter((other) => other !== hook);
      },
    };
  }

  /** The packet as it goes on; undefined where a hook dropped it. */
  run(packet: IpPacket, link: string): IpPacket | undefined {
    let current = packet;
    for (const hook of this.#hooks) {
      const verdict = hook(current, link);
      if ("drop" in verdict) {
        this.#dropped(current, verdict.drop);
        return undefined;
      }
      current = verdict;
    }
    return current;
  }
}
