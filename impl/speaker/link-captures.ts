import { type Link } from "../ports.ts";
import { type SpeakerEffect } from "./protocol.ts";

interface Capture {
  readonly link: string;
  /** Of the interface when the capture began. */
  readonly index: number | undefined;
  users: number;
}

/** Several protocols may want the frames of one interface; it is captured once, as long as any of them does. */
export class LinkCaptures {
  readonly #captures = new Map<string, Capture>();
  #indexes: ReadonlyMap<string, number> = new Map();

  /** One capture for all users ends with its interface: where there is another under its name, it is begun anew. */
  setLinks(links: readonly Link[]): readonly SpeakerEffect[] {
    this.#indexes = new Map(links.map(({ name, index }) => [name, index]));
    return [...this.#captures.values()].flatMap(({ link, index: before, users }): readonly SpeakerEffect[] => {
      const index = this.#indexes.get(link);
      if (users < 2 || index === undefined || index === before) return [];
      this.#captures.set(link, { link, index, users });
      return [
        { kind: "closeLink", link },
        { kind: "openLink", link },
      ];
    });
  }

  /** Leaves out what only says that there is one user more or less. */
  share(effects: readonly SpeakerEffect[]): readonly SpeakerEffect[] {
    return effects.filter((effect) => {
      if (effect.kind === "openLink") return this.#open(effect.link);
      if (effect.kind === "closeLink") return this.#close(effect.link);
      return true;
    });
  }

  #open(link: string): boolean {
    const capture = this.#captures.get(link);
    if (capture !== undefined) {
      capture.users++;
      return false;
    }
    this.#captures.set(link, { link, index: this.#indexes.get(link), users: 1 });
    return true;
  }

  #close(link: string): boolean {
    const capture = this.#captures.get(link);
    if (capture === undefined) return false;
    capture.users--;
    if (capture.users > 0) return false;
    this.#captures.delete(link);
    return true;
  }
}
