// What FRR does where a file says nothing (`frr defaults`), as its `show bgp neighbors json` and `show running-config` tell.
import { type Micros, millis, seconds } from "../../../impl/wire/time.ts";
import { type BfdSettings } from "./model.ts";

export type Profile = "traditional" | "datacenter";

export interface ProfileDefaults {
  readonly keepalive: Micros;
  readonly holdTime: Micros;
  readonly connectRetry: Micros;
  readonly ebgpRequiresPolicy: boolean;
  readonly deterministicMed: boolean;
}

export const PROFILES = {
  traditional: {
    keepalive: seconds(60),
    holdTime: seconds(180),
    connectRetry: seconds(120),
    ebgpRequiresPolicy: true,
    deterministicMed: false,
  },
  datacenter: {
    keepalive: seconds(3),
    holdTime: seconds(9),
    connectRetry: seconds(10),
    ebgpRequiresPolicy: false,
    deterministicMed: true,
  },
} as const satisfies Readonly<Record<Profile, ProfileDefaults>>;

export const BGP_PORT = 179;
/** `--enable-multipath` of the packages. */
export const MAXIMUM_PATHS = 256;
export const LISTEN_LIMIT = 100;
export const DEFAULT_TTL = 1;
export const MAX_TTL = 255;
export const ALLOW_AS_IN = 3;
export const MAXIMUM_PREFIX_THRESHOLD = 75;
export const LOCAL_PREFERENCE = 100;
export const RESTART_TIME = seconds(120);
export const STALE_PATH_TIME = seconds(360);
export const ADVERTISEMENT_INTERVAL = seconds(0);
export const STATIC_DISTANCE = 1;
/** RFC 4861 section 6.2.1 has the same. */
export const ROUTER_ADVERTISEMENT_INTERVAL = seconds(600);

export const BFD: BfdSettings = {
  receiveInterval: millis(300),
  transmitInterval: millis(300),
  detectMultiplier: 3,
  echo: undefined,
  passive: false,
  shutdown: false,
  minimumTtl: 254,
};
export const BFD_ECHO = { transmitInterval: millis(50), receiveInterval: millis(50) } as const;
