// What announces addresses: BGP and layer 2.
import { type Config } from "../api/config.ts";
import { type Service } from "../api/kubernetes.ts";
import { type Effect, type Input, type Link } from "../ports.ts";
import { type Ip } from "../wire/ip.ts";
import { type Micros } from "../wire/time.ts";
import { type BgpRefusal } from "./bgp/advertise/eligibility.ts";
import { type Candidate } from "./layer2/election.ts";
import { type Layer2Refusal } from "./layer2/eligibility.ts";
import { type NodeFacts } from "./node-facts.ts";
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

export type Refusal = ServiceRefusal | Layer2Refusal | BgpRefusal;

export type Verdict =
  | { readonly announce: true }
  /** `vacant`: no other node announces it either. `complaint`: what its owner has to hear, said once. */
  | {
      readonly announce: false;
      readonly because: Refusal;
      readonly vacant: boolean;
      readonly complaint?: string | undefined;
    };

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
  | { readonly kind: "layer2Status"; readonly service: string; readonly interfaces: readonly string[] | undefined }
  /** The same of the ServiceBGPStatus: the names of the peers. */
  | { readonly kind: "bgpStatus"; readonly service: string; readonly peers: readonly string[] | undefined }
  /** An event about a BGPPeer. */
  | {
      readonly kind: "peerEvent";
      readonly peer: string;
      readonly type: "Normal" | "Warning";
      readonly reason: string;
      readonly message: string;
    };

/** What arrives at sockets; who opened one knows it by its name. */
export type SocketInput = Extract<
  Input,
  {
    readonly kind: "datagram" | "socketFailed" | "streamOpened" | "streamData" | "streamBacklog" | "streamClosed";
  }
>;

export interface LinksOutcome {
  readonly effects: readonly SpeakerEffect[];
  /** Services to announce again: what is said about them depends on the interfaces. */
  readonly keys: readonly string[];
}

/** Methods that return keys name the Services that must be judged again. */
export interface Protocol {
  readonly name: "bgp" | "layer2";
  /** All Services have been judged once: others may hear of them now. */
  start(now: Micros): readonly SpeakerEffect[];
  /** Hands over; nothing is said any more. */
  stop(now: Micros): readonly SpeakerEffect[];
  /** Whether everything that was said at the stop has been sent. */
  ended(now: Micros): boolean;
  setConfig(config: Config, now: Micros): readonly SpeakerEffect[];
  judge(subject: Subject): Verdict;
  /** Called again whenever the Service or its endpoints changed. */
  announce(subject: Subject, now: Micros): readonly SpeakerEffect[];
  withdraw(key: string): readonly SpeakerEffect[];
  /** The Service is no subject any more: it went, or has no usable address. */
  forget(key: string): void;
  /** Ends a batch of judgements: what they changed is told. */
  flush(now: Micros): readonly SpeakerEffect[];
  /** This node; undefined while its Node is not known. */
  setOwnNode(facts: NodeFacts | undefined, now: Micros): readonly SpeakerEffect[];
  enter(candidate: Candidate): readonly string[];
  leave(name: string): readonly string[];
  setLinks(links: readonly Link[], now: Micros): LinksOutcome;
  receive(link: string, bytes: Uint8Array, now: Micros): readonly SpeakerEffect[];
  /** Inputs of sockets of others are none of its business. */
  handle(input: SocketInput, now: Micros): readonly SpeakerEffect[];
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
