import { type Effect, type Input, type Instant, type Process } from "../../impl/ports.ts";
import { type SpeakerEffect } from "../../impl/speaker/protocol.ts";
import { type Speaker } from "../../impl/speaker/speaker.ts";
import { type Micros } from "../../impl/wire/time.ts";

/** A speaker without an API server: what it knows, it knows from the start. */
export class BgpProcess implements Process {
  readonly #speaker: Speaker;

  constructor(speaker: Speaker) {
    this.#speaker = speaker;
  }

  handle(input: Input, { monotonic: now }: Instant): readonly Effect[] {
    switch (input.kind) {
      case "started":
        return own(this.#speaker.start(now));
      case "wake":
        return own(this.#speaker.wake(now));
      case "links":
        return own(this.#speaker.setLinks(input.links, now));
      case "frame":
        return own(this.#speaker.receive(input.link, input.bytes, now));
      case "datagram":
      case "socketFailed":
      case "streamOpened":
      case "streamData":
      case "streamBacklog":
      case "streamClosed":
        return own(this.#speaker.handle(input, now));
      default:
        return [];
    }
  }

  deadline(): Micros | undefined {
    return this.#speaker.deadline();
  }
}

/** What goes to the API server has nowhere to go. */
function own(effects: readonly SpeakerEffect[]): readonly Effect[] {
  return effects.filter(
    (effect): effect is Effect =>
      effect.kind !== "event" &&
      effect.kind !== "layer2Status" &&
      effect.kind !== "bgpStatus" &&
      effect.kind !== "peerEvent",
  );
}
