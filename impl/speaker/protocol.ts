// What announces addresses: layer 2 here, BGP beside it.
import { type Service } from "../api/kubernetes.ts";
import { type Labels } from "../api/selector.ts";
import { type Effect, type Link } from "../ports.ts";
import { type Ip } from "../wire/ip.ts";
import { type Micros } from "../wire/time.ts";
import { type Candidate } from "./layer2/election.ts";
import { type Layer2Refusal } from "./layer2/eligibility.ts";
import { type Subject } from "./subject.ts";

/** Why a Service is not announced, whatever the protocol. */
export type ServiceRefusal =
  | "serviceDeleted"
  | "notLoadBalancer"
  | "otherLoadBalancerClass"
  | "noIpAllocated"
  | "invalidIp"
  | "ipNotAllowed"
  | "loadBalancerIpChanged";

export type Refusal = ServiceRefusal | Layer2Refusal;

export type Verdict =
  | { readonly announce: true }
  /** `vacant`: no other node announces it either. */
  | { readonly announce: false; readonly because: Refusal; readonly vacant: boolean };

/** What the speaker wants done: effects of its own, and what the process translates to the Kubernetes API. */
export type SpeakerEffect =
  | Effect
  | {
      readonly kind: "event";
      readonly service: Service;
      readonly type: "Normal" | "Warning";
      readonly reason: string;
      readonly message: string;
    }
  /** What the ServiceL2Status of this node shall say; undefined: there shall be none. Empty: every interface. */
  | { readonly kind: "layer2Status"; readonly service: string; readonly interfaces: readonly string[] | undefined };

export interface LinksOutcome {
  readonly effects: readonly SpeakerEffect[];
  /** Services to announce again: what is said about them depends on the interfaces. */
  readonly keys: readonly string[];
}

/** Methods that return keys name the Services that must be judged again. */
export interface Protocol {
  readonly name: "bgp" | "layer2";
  judge(subject: Subject): Verdict;
  /** Called again whenever the Service or its endpoints changed. */
  announce(subject: Subject, now: Micros): readonly SpeakerEffect[];
  withdraw(key: string): readonly SpeakerEffect[];
  /** The Service is no subject any more: it went, or has no usable address. */
  forget(key: string): void;
  /** Labels of this node; undefined while its Node is not known. */
  setOwnLabels(labels: Labels | undefined): void;
  enter(candidate: Candidate): readonly string[];
  leave(name: string): readonly string[];
  setLinks(links: readonly Link[], now: Micros): LinksOutcome;
  receive(link: string, bytes: Uint8Array, now: Micros): readonly SpeakerEffect[];
  /** Another speaker joined, perhaps after a time in which it took our addresses for its own. */
  refresh(now: Micros): readonly SpeakerEffect[];
  /** Between both nothing is answered. */
  hold(): void;
  release(now: Micros): readonly SpeakerEffect[];
  wake(now: Micros): readonly SpeakerEffect[];
  deadline(): Micros | undefined;
}

/** The addresses of a Service, as events and logs print them. */
export const quoteAll = (ips: readonly Ip[]): string => `[${ips.map((ip) => `"${ip}"`).join(" ")}]`;
