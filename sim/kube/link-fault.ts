import { type Micros } from "../../impl/wire/time.ts";

/** What can be wrong between a client and the API server, or with the server as that client sees it. */
export type LinkFault =
  /** Nothing gets through. `refused`: connections break and new ones fail; `silent`: packets vanish. */
  | { readonly kind: "outage"; readonly how: "refused" | "silent" }
  /** Requests are answered with a failure instead of reaching the server. */
  | {
      readonly kind: "refuse";
      readonly status: 409 | 410 | 429 | 500 | 503;
      readonly probability: number;
      readonly retryAfterSeconds?: number;
    }
  /** The server does what is asked, and the answer is lost on the way back. */
  | { readonly kind: "lostAnswer"; readonly probability: number }
  /** Watch events come twice. */
  | { readonly kind: "duplicate"; readonly probability: number }
  /** Watch events come late, after others that happened later. */
  | { readonly kind: "late"; readonly probability: number; readonly by: Micros }
  /** Answers arrive in pieces that break anywhere. */
  | { readonly kind: "fragment" }
  | { readonly kind: "slow"; readonly latency: Micros };

export type FaultOf<K extends LinkFault["kind"]> = Extract<LinkFault, { readonly kind: K }>;
