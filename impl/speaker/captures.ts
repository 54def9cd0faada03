import { type Effect } from "../ports.ts";

/** Joins those who capture frames: one closes an interface that another one needs, or opens it once more. */
export class Captures {
  readonly #users = new Map<string, Set<string>>();

  /** What of the effects of `user` concerns the host. A second opening passes: the interface may be a new one. */
  of(user: string, effects: readonly Effect[]): readonly Effect[] {
    return effects.filter((effect) => {
      if (effect.kind === "openLink") this.#usersOf(effect.link).add(user);
      if (effect.kind !== "closeLink") return true;
      const users = this.#usersOf(effect.link);
      users.delete(user);
      return users.size === 0;
    });
  }

  #usersOf(link: string): Set<string> {
    const users = this.#users.get(link) ?? new Set<string>();
    this.#users.set(link, users);
    return users;
  }
}
