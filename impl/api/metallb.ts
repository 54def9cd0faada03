// The objects of group metallb.io. The type of each comes from the schema of its kind.
import { type bfdProfileSchema } from "./kinds/bfd-profile.ts";
import { type bgpAdvertisementSchema } from "./kinds/bgp-advertisement.ts";
import { type bgpPeerSchema, type bgpPeerV1Beta1Schema } from "./kinds/bgp-peer.ts";
import { type communitySchema } from "./kinds/community.ts";
import { type configurationStateSchema } from "./kinds/configuration-state.ts";
import { type ipAddressPoolSchema } from "./kinds/ip-address-pool.ts";
import { type l2AdvertisementSchema } from "./kinds/l2-advertisement.ts";
import { type serviceBgpStatusSchema, type serviceL2StatusSchema } from "./kinds/service-status.ts";
import { type KubeObject } from "./kubernetes.ts";
import { type Infer } from "./schema/schema.ts";

type ObjectOf<Name extends string, S> = Omit<KubeObject, "kind"> & { readonly kind: Name } & Infer<S>;

export type IPAddressPool = ObjectOf<"IPAddressPool", typeof ipAddressPoolSchema>;
export type L2Advertisement = ObjectOf<"L2Advertisement", typeof l2AdvertisementSchema>;
export type BGPAdvertisement = ObjectOf<"BGPAdvertisement", typeof bgpAdvertisementSchema>;
export type BGPPeerV1Beta1 = ObjectOf<"BGPPeer", typeof bgpPeerV1Beta1Schema> & {
  readonly apiVersion: "metallb.io/v1beta1";
};
/** BGPPeer v1beta2, the version that is stored. */
export type BGPPeer = ObjectOf<"BGPPeer", typeof bgpPeerSchema> & { readonly apiVersion: "metallb.io/v1beta2" };
export type BFDProfile = ObjectOf<"BFDProfile", typeof bfdProfileSchema>;
export type Community = ObjectOf<"Community", typeof communitySchema>;
export type ServiceL2Status = ObjectOf<"ServiceL2Status", typeof serviceL2StatusSchema>;
export type ServiceBGPStatus = ObjectOf<"ServiceBGPStatus", typeof serviceBgpStatusSchema>;
export type ConfigurationState = ObjectOf<"ConfigurationState", typeof configurationStateSchema>;
