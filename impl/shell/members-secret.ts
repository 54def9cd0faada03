import { encodeBase64 } from "../api/base64.ts";
import { type KubeObject, type Secret } from "../api/kubernetes.ts";
import { pathOf, RESOURCES } from "../kube/resources.ts";
import { type Write } from "../kube/write.ts";
import { type Effect, type Input, type Instant, type Random } from "../ports.ts";
import { type Micros } from "../wire/time.ts";
import { encodeUtf8 } from "../wire/text.ts";
import { ObjectRead } from "./object-read.ts";

/** memberlist takes 16, 24 or 32 bytes: AES-128, -192 or -256. */
const KEY_BYTES = 16;

export interface MembersSecretOptions {
  readonly namespace: string;
  readonly secretName: string;
  /** The Deployment that shall own the Secret. */
  readonly deployment: string;
  /** The key comes from it. */
  readonly random: Random;
}

/** Makes the Secret with which the speakers encrypt their membership, where there is none. */
export class MembersSecret {
  readonly #options: MembersSecretOptions;
  readonly #owner: ObjectRead;

  constructor(options: MembersSecretOptions, write: (intent: Write) => void) {
    this.#options = options;
    const { namespace, deployment, random } = options;
    const path = pathOf(RESOURCES.deployments, namespace, deployment);
    this.#owner = new ObjectRead(path, random, (owner) => write(this.#write(owner)));
  }

  start(now: Instant): readonly Effect[] {
    return this.#owner.start(now);
  }

  wake(now: Instant): readonly Effect[] {
    return this.#owner.wake(now);
  }

  handle(input: Input, now: Instant): boolean {
    return this.#owner.handle(input, now);
  }

  deadline(): Micros | undefined {
    return this.#owner.deadline();
  }

  #write(owner: KubeObject | undefined): Write {
    const { namespace, secretName: name } = this.#options;
    return {
      tag: `members-secret/${name}`,
      resource: RESOURCES.secrets,
      namespace,
      name,
      // One that is there already stays as it is: whoever knows it would be shut out.
      build: (latest) => (latest === undefined ? { verb: "create", object: this.#secret(owner) } : undefined),
    };
  }

  #secret(owner: KubeObject | undefined): Secret {
    const { namespace, secretName: name, random } = this.#options;
    const key = Uint8Array.from({ length: KEY_BYTES }, () => Math.floor(random.next() * 256));
    const text = encodeBase64(key).replace(/=+$/, "");
    const { uid = "" } = owner?.metadata ?? {};
    const ownerReferences = owner && [{ apiVersion: "apps/v1", kind: "Deployment", name: owner.metadata.name, uid }];
    return {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace, ...(ownerReferences === undefined ? {} : { ownerReferences }) },
      data: { secretkey: encodeBase64(encodeUtf8(text)) },
    };
  }
}
