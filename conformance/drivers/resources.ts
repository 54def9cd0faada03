import { type Effect, type Input } from "../../impl/ports.ts";

/** What a process holds open, counted from what goes in and out of it. */
export class Resources {
  readonly #links = new Set<string>();
  readonly #groups = new Set<string>();
  readonly #streams = new Set<string>();
  readonly #requests = new Set<string>();

  input(input: Input): void {
    if (input.kind === "accepted" || input.kind === "streamOpened") this.#streams.add(input.stream);
    else if (input.kind === "streamClosed") this.#streams.delete(input.stream);
    else if (input.kind === "responseEnd") this.#requests.delete(input.request);
  }

  effect(effect: Effect): void {
    switch (effect.kind) {
      case "openLink":
        this.#links.add(effect.link);
        break;
      case "closeLink":
        this.#links.delete(effect.link);
        break;
      case "joinGroup":
        this.#groups.add(`${effect.link} ${effect.group}`);
        break;
      case "leaveGroup":
        this.#groups.delete(`${effect.link} ${effect.group}`);
        break;
      case "connect":
        this.#streams.add(effect.stream);
        break;
      case "closeStream":
        this.#streams.delete(effect.stream);
        break;
      case "request":
        this.#requests.add(effect.request);
        break;
      case "abortRequest":
        this.#requests.delete(effect.request);
        break;
      default:
    }
  }

  counts(): Readonly<Record<"links" | "groups" | "streams" | "requests", number>> {
    return {
      links: this.#links.size,
      groups: this.#groups.size,
      streams: this.#streams.size,
      requests: this.#requests.size,
    };
  }
}
